"""Label errors in training images, from the training of the folds to the list, with the commands of the manual."""

import json
from pathlib import Path

from cifarlab.cli import main as cli


def run(words: str) -> None:
    assert cli.main(words.split()) == 0


def test_every_training_image_is_judged_by_a_fold_that_never_saw_it(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    run("train smoke --data digits --folds 2 --epochs 1 --set model.widths=(32,)")
    folds = sorted(path.name for path in Path("runs").iterdir())
    assert folds == ["smoke-fold0-seed0", "smoke-fold1-seed0"]
    paths = " ".join(f"runs/{fold}" for fold in folds)
    capsys.readouterr()
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
