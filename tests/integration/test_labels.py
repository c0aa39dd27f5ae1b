"""From the list of doubts over a labels file to a training, an evaluation and doubts that know it, by commands."""

import csv
import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from cifarlab import CifarlabError, evaluate, examine_labels, open_run, training
from cifarlab.cli import main as cli
from cifarlab.datasets import load_data
from cifarlab.datasets.verdicts import append_verdicts, new_verdict, read_labels

TRAIN = "train smoke --epochs 1 --set model.widths=(16,)"


@pytest.fixture(scope="module")
def digits():
    return load_data("digits")


@pytest.fixture(scope="module")
def labels(digits, tmp_path_factory):
    """Two training images relabelled, one and a validation image dropped; of the test set one of each."""
    path = tmp_path_factory.mktemp("labels") / "digits.csv"

    def judge(split, row, verdict, new=""):
        part = digits[split]
        old = part.class_names[part.labels[row]]
        return new_verdict(str(part.ids[row]), old, verdict, new, part.images[row])

    first = [judge("train", 0, "relabel", "nine"), judge("train", 1, "relabel", "eight"), judge("train", 2, "drop")]
    first += [judge("validation", 0, "drop"), judge("test", 0, "relabel", "two"), judge("test", 1, "drop")]
    append_verdicts(path, first)
    return path


@pytest.fixture(scope="module")
def trained(labels, tmp_path_factory):
    """The folder of a paused and an evaluated run, both trained with the labels file."""
    folder = tmp_path_factory.mktemp("work")
    options = {"settings": ["epochs=2", "model.widths=(16,)"], "runs_dir": folder / "runs", "show": False}
    training.train("smoke", labels=labels, name="paused", until=1, **options)
    run = training.train("smoke", labels=labels, name="whole", **options)
    evaluate(run, show=False)
    return folder / "runs"


def test_a_run_keeps_its_labels_file_and_what_it_changed(trained, labels, digits):
    run = open_run(trained / "whole")
    assert run.labels_file.read_bytes() == labels.read_bytes()
    recorded = run.data["labels"]
    assert recorded["checksum"] == read_labels(labels).checksum
    assert recorded["parts"] == {"train": {"relabel": 2, "drop": 1}, "validation": {"drop": 1}}
    assert run.command.endswith(f"--labels {run.labels_file}")
    assert "2 relabelled and 2 dropped of the train and validation images" in " ".join(run.data["notices"])
    with np.load(run.trained_images_file) as stored:
        assert stored["ids"].tolist() == [each for row, each in enumerate(digits.train.ids.tolist()) if row != 2]
    expected = digits.train.labels.copy()
    expected[:2] = 9, 8
    learned = dataclasses.replace(digits.train, labels=expected).take(np.arange(len(expected)) != 2)
    assert run.data["fingerprints"]["train"] == learned.fingerprint
    assert run.data["fingerprints"]["test"] == digits.test.fingerprint


def test_it_is_resumed_on_the_same_labels_and_refused_on_others(trained):
    paused = open_run(trained / "paused")
    kept = paused.labels_file.read_bytes()
    paused.labels_file.write_bytes(kept + b"x")
    with pytest.raises(CifarlabError, match=r"labels.csv is not the labels file that the run was trained with: put"):
        training.resume(paused, show=False)
    paused.labels_file.unlink()
    with pytest.raises(CifarlabError, match=r"was trained with a labels file, and labels.csv is gone"):
        training.resume(paused, show=False)
    paused.labels_file.write_bytes(kept)
    resumed = training.resume(paused, show=False)
    assert resumed.state["state"] == "finished"
    assert resumed.history()[-1]["train_loss"] == open_run(trained / "whole").history()[-1]["train_loss"]


def test_a_resume_takes_no_other_labels_file(trained, labels, capsys):
    assert cli.main(["train", "--resume", str(trained / "paused"), "--labels", str(labels)]) == 2
    assert "give no recipe, setting, seed, data set, labels file, name or worker beside it" in capsys.readouterr().err


def test_validation_is_judged_on_the_labels_of_the_training(trained, digits):
    scores = evaluate(trained / "whole", split="validation", show=False)
    assert scores.count == len(digits.validation) - 1
    assert scores.labels is None
    assert any(each.startswith("Labels corrected by labels.csv") for each in scores.notices)
    noted = max(row["validation_accuracy"] for row in open_run(trained / "whole").history())
    assert scores.accuracy == pytest.approx(noted)


def test_corrected_test_labels_are_scored_in_files_of_their_own(trained, labels, digits, capsys):
    run = open_run(trained / "whole")
    before = run.scores_file("test").read_bytes(), run.predictions_file("test").read_bytes()
    assert cli.main(["evaluate", str(run.path), "--labels", str(labels), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)[0]
    assert (run.scores_file("test").read_bytes(), run.predictions_file("test").read_bytes()) == before
    stored = json.loads((run.path / "scores-test-labels.json").read_text())
    assert stored["labels"] == {
        "file": str(labels), "checksum": read_labels(labels).checksum, "left_out": 0, "relabel": 1, "drop": 1,
    }  # fmt: skip
    assert stored["count"] == told["count"] == len(digits.test) - 1
    assert any("corrected labels flatter it" in each for each in stored["notices"])
    with np.load(run.path / "predictions-test-labels.npz") as predictions:
        assert predictions["ids"][0] == digits.test.ids[0]
        assert predictions["labels"][0] == 2
    assert run.scores("test").count == len(digits.test)
    assert [look["why"] for look in run.looks() if look["split"] == "test"][
        -1
    ] == "evaluate on digits, corrected labels"
    assert cli.main(["evaluate", str(run.path), "--labels", str(labels)]) == 0
    assert f"{len(digits.test) - 1} test images of digits, corrected labels" in capsys.readouterr().out


@pytest.mark.parametrize("command", [TRAIN, "evaluate {run}"])
def test_a_bad_labels_file_is_one_line_and_nothing_is_written(trained, digits, tmp_path, command, capsys, monkeypatch):
    run = trained / "whole"
    before = sorted((path, path.stat().st_mtime_ns) for path in run.rglob("*"))
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "bad.csv"
    part = "test " if command.startswith("evaluate") else "train and validation "
    stay = "id,old,new,verdict\n" + "".join(
        f"{images.ids[row]},{own},{own},{verdict}\n"
        for images in (digits.test, digits.train)
        for row, verdict in enumerate(("keep", "unsure", "relabel"))
        for own in [images.class_names[images.labels[row]]]  # relabelled to itself, a label is kept
    )
    for text, said in (
        ("id,old,new,verdict\na,one,,keep\nb,one,,kept\n", "bad.csv, row 3: unknown verdict 'kept'"),
        ("id,old,new,verdict\ncat.png,cat,,drop\n", "no verdict of bad.csv fits digits: of row 2, cat.png is not in"),
        ("id,old,new,verdict\n", "bad.csv has no verdict yet"),
        (f"id,old,new,verdict\n{digits.test.ids[0]},zero,,undo\n", "bad.csv says nothing of the t"),
        (stay, f"bad.csv relabels and drops none (2 keep, 1 unsure) of the {part}images, so it would change nothing"),
    ):
        path.write_text(text)
        assert cli.main([*command.format(run=run).split(), "--labels", "bad.csv"]) == 2
        told = capsys.readouterr().err.strip()
        assert said in told
        assert "\n" not in told
    assert sorted(each.name for each in tmp_path.iterdir()) == ["bad.csv"]
    assert sorted((path, path.stat().st_mtime_ns) for path in run.rglob("*")) == before


def test_doubts_become_a_labels_file_and_know_it_afterwards(tmp_path, monkeypatch):
    pytest.importorskip("cleanlab", reason="needs cifarlab[audit]")
    monkeypatch.chdir(tmp_path)
    runs = [f"runs/smoke-fold{fold}-seed0" for fold in range(2)]
    assert cli.main([*TRAIN.split(), "--folds", "2"]) == 0
    assert cli.main(["evaluate", *runs, "--split", "validation"]) == 0
    assert cli.main(["doubts", *runs, "--train", "--no-duplicates", "--csv", "doubts.csv", "--top", "5"]) == 0
    with Path("doubts.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["verdict"] for row in rows] == [""] * 5
    for row, verdict in zip(rows, ("relabel", "drop", "keep", "", "unsure"), strict=True):
        row["verdict"] = verdict  # as somebody does in a spreadsheet
    with Path("doubts.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    assert cli.main([*TRAIN.split(), "--folds", "2", "--labels", "doubts.csv", "--runs-dir", "clean"]) == 0
    corrected = [f"clean/smoke-fold{fold}-seed0" for fold in range(2)]
    counts = [open_run(run).data["labels"]["parts"] for run in corrected]
    assert all(sum(part.get("relabel", 0) for part in each.values()) == 1 for each in counts)
    assert cli.main(["evaluate", *corrected, "--split", "validation"]) == 0
    found = examine_labels(corrected, split="train", duplicates=False, show=False)
    before = examine_labels(runs, split="train", duplicates=False, show=False)
    assert len(found.ranking) == len(before.ranking) - 1
    given = {each.image_id: each.given for each in found.ranking}
    assert given[rows[0]["id"]] == rows[0]["suggested_label"]
    assert rows[1]["id"] not in given
