"""Label errors in training images, from the training of the folds to the list, with the commands of the manual."""

import json
from pathlib import Path

import numpy as np
import pytest

from cifarlab.cli import main as cli
from cifarlab.runs import open_run


def run(words: str) -> None:
    assert cli.main(words.split()) == 0


def test_every_training_image_is_judged_by_a_fold_that_never_saw_it(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    run("train smoke --data digits --folds 2 --epochs 1 --set model.widths=(32,)")
    folds = ["smoke-fold0-seed0", "smoke-fold1-seed0"]
    assert sorted(path.name for path in Path("runs").iterdir()) == [*folds, "smoke-seed0-folds.json"]
    said = capsys.readouterr().out
    assert said.splitlines()[-2:] == [f"runs/{fold}" for fold in folds]
    summary = json.loads(Path("runs/smoke-seed0-folds.json").read_text(encoding="utf-8"))
    assert summary["count"] == sum(each["count"] for each in summary["folds"]) == 1438
    accuracies = [open_run(f"runs/{fold}").history()[0]["validation_accuracy"] for fold in folds]
    assert summary["mean"]["value"] == pytest.approx(np.mean(accuracies), abs=1e-3)
    assert f"out-of-fold accuracy: {100 * summary['out_of_fold']['value']:.2f} % of 1,438 images" in said
    paths = " ".join(f"runs/{fold}" for fold in folds)
    run(f"evaluate {paths} --split validation")
    headers = [line.rstrip() for line in capsys.readouterr().out.splitlines() if "validation images of digits" in line]
    assert len(headers) == 2
    assert headers[0] != headers[1]
    run(f"doubts {paths} --train --no-duplicates --top 3 --json")
    result = json.loads(capsys.readouterr().out)
    assert result["split"] == "train"
    assert len(result["doubts"]) == 3
    assert result["ranked_by"] == "learned_confidence"
    assert Path(result["page"]).is_file()
    Path("runs", folds[0], "dynamics.npz").unlink()  # as of a run that recorded none
    run(f"doubts {paths} --train --no-duplicates --json")
    assert json.loads(capsys.readouterr().out)["ranked_by"] == "self_confidence"
    assert cli.main(f"doubts {paths} --train --score learned_confidence".split()) == 2
    assert f"{folds[0]} recorded no training dynamics: rank by --score self_confidence" in capsys.readouterr().err
