import json
import re
from pathlib import Path

import numpy as np
import pytest

from cifarlab import metrics
from cifarlab.cli.commands.evaluate import evaluate
from cifarlab.evaluation.external.reading import predictions_from_files
from cifarlab.evaluation.external.scoring import evaluate_files
from cifarlab.runs.predictions import Predictions
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.json_data import json_data

LOGITS = np.random.default_rng(0).normal(0, 3, size=(40, 3))
LABELS = np.random.default_rng(1).integers(3, size=40)
PROBABILITIES = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)
IDS = np.array([f"image-{index}" for index in range(40)])


def write(path: Path, scores: np.ndarray, name: str = "logits", **others: np.ndarray) -> Path:
    if path.suffix == ".npz":
        np.savez(path, **{name: scores}, **others)
    elif path.suffix == ".npy":
        np.save(path, scores)
    else:
        np.savetxt(path, scores, delimiter=",")
    return path


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    return write(tmp_path / "labels.npy", LABELS)


def expected() -> metrics.Scores:
    ids = np.array([f"{index:08d}" for index in range(40)])
    names = ("class 0", "class 1", "class 2")
    return metrics.score(Predictions(ids, LABELS.astype(np.int64), LOGITS.astype(np.float32), names))


@pytest.mark.parametrize("kind", ["logits", "probabilities"])
@pytest.mark.parametrize("ending", ["npz", "npy", "csv"])
def test_every_form_gives_the_same_numbers(kind: str, ending: str, tmp_path: Path, labels: Path) -> None:
    path = write(tmp_path / f"theirs.{ending}", LOGITS if kind == "logits" else PROBABILITIES, kind)
    found = evaluate_files(path, labels)
    wanted = expected()
    for name, score in wanted.scores.items():
        assert found.scores[name].value == pytest.approx(score.value, abs=1e-6)
    assert found.confusion_matrix == wanted.confusion_matrix
    assert (found.run, found.data, found.count, found.looks) == (path.name, "labels.npy", 40, None)
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted([path.name, "labels.npy"])


def test_labels_may_be_in_any_form(tmp_path: Path) -> None:
    theirs = write(tmp_path / "theirs.npy", LOGITS)
    names = ["cat", "dog", "frog"]
    order = np.random.default_rng(2).permutation(40)
    (tmp_path / "a.txt").write_text("\n".join(map(str, LABELS)))
    (tmp_path / "b.txt").write_text("\n".join(names[label] for label in LABELS) + "\n")
    (tmp_path / "c.csv").write_text("label\n" + "\n".join(map(str, LABELS)))
    np.save(tmp_path / "d.npy", LABELS[:, None].astype(np.uint8))
    np.savez(tmp_path / "e.npz", labels=LABELS)
    for file in ("a.txt", "b.txt", "c.csv", "d.npy", "e.npz"):
        assert predictions_from_files(theirs, tmp_path / file, names).labels.tolist() == LABELS.tolist(), file
    (tmp_path / "f.csv").write_text("id,label\n" + "".join(f"{IDS[k]},{LABELS[k]}\n" for k in order))
    with_ids = write(tmp_path / "ids.npz", LOGITS, ids=IDS, class_names=np.array(names))
    matched = predictions_from_files(with_ids, tmp_path / "f.csv")
    assert (matched.labels.tolist(), matched.ids.tolist()) == (LABELS.tolist(), IDS.tolist())
    assert matched.class_names == tuple(names)


def test_one_csv_may_hold_everything(tmp_path: Path) -> None:
    rows = [",".join([IDS[k], *map(repr, LOGITS[k].tolist()), str(LABELS[k])]) for k in range(40)]
    (tmp_path / "all.csv").write_text("\n".join(["id,cat,dog,frog,label", *rows]))
    found = predictions_from_files(tmp_path / "all.csv")
    assert found.class_names == ("cat", "dog", "frog")
    assert found.labels.tolist() == LABELS.tolist()
    assert found.logits == pytest.approx(LOGITS, rel=1e-6)


def test_our_own_predictions_file_is_understood(tmp_path: Path) -> None:
    own = predictions_from_files(write(tmp_path / "x.npz", LOGITS, labels=LABELS, ids=IDS))
    again = predictions_from_files(own.save(tmp_path / "own.npz"))
    assert metrics.score(again) == metrics.score(own)


def test_certainty_that_is_wrong_is_said(tmp_path: Path) -> None:
    theirs = write(tmp_path / "theirs.npy", np.eye(3)[[0, 1, 2, 0]])
    (tmp_path / "labels.txt").write_text("0\n1\n2\n1\n")
    found = evaluate_files(theirs, tmp_path / "labels.txt")
    assert found.accuracy == 0.75
    said = "There is probability 0 for the true class of 1 image, which counts as 1e-38 in the loss."
    assert found.notices == (said,)


def test_output_holds_both_files(tmp_path: Path, labels: Path) -> None:
    found = evaluate_files(write(tmp_path / "theirs.npy", LOGITS), labels, output=tmp_path / "out")
    assert json.loads((tmp_path / "out" / "scores.json").read_text()) == json_data(found)
    assert len(Predictions.load(tmp_path / "out" / "predictions.npz")) == 40


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("a.npy", LOGITS[:30], "30 predictions, but .* 40 labels"),
        (
            "a.npy",
            np.where(np.arange(120).reshape(40, 3) == 7, np.nan, LOGITS),
            "NaN or infinity in 1 of 40 rows, row 2",
        ),
        ("a.npy", np.full((40, 3), np.longdouble("1e400")), "NaN or infinity in 40 of 40 rows"),
        ("a.npy", LOGITS[:, :2], r"label 2 \(number \d+\): expected 0 to 1 for 2 classes"),
        ("a.npy", PROBABILITIES * 0.9, "neither logits nor probabilities: row 0 .* sums to 0.9"),
        (
            "a.npy",
            PROBABILITIES[:, 0],
            r"expected numbers of shape \(images, classes\).*1 - p and p. Received: shape \(40,\)",
        ),
        ("a.npy", LOGITS * 1e40, "beyond the range of float32"),
        ("a.npz", {"scores": LOGITS, "other": LABELS}, "holds other, scores: expected an array named logits"),
        ("a.npz", {"probabilities": LOGITS}, "neither logits nor probabilities"),
        ("a.npz", {"logits": LOGITS, "ids": IDS[[0] * 40]}, "ids, all different"),
        ("a.csv", "cat,dog\n0.1,0.9\n0.1,many", "cannot read"),
        ("a.csv", "1,2,3\n1,2\n", "2 columns in row 2 and 3 in the first"),
        ("a.csv", "", "is empty"),
        ("a.npz", b"no zip", "cannot read"),
        ("a.npy", np.array([{}], object), "cannot read"),
        ("a.pkl", b"", "of no known kind"),
    ],
)
def test_bad_predictions_are_one_clear_line(file: str, content, message: str, tmp_path: Path, labels: Path) -> None:
    path = tmp_path / file
    if isinstance(content, dict):
        np.savez(path, **content)
    elif isinstance(content, np.ndarray):
        np.save(path, content, allow_pickle=True)
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(CifarlabError, match=message) as caught:
        predictions_from_files(path, labels)
    assert "\n" not in str(caught.value)


def test_large_numbers_in_error_lines_are_separated(tmp_path: Path) -> None:
    path = tmp_path / "theirs.npy"
    np.save(path, np.concatenate([np.tile(LOGITS, (300, 1)), [[np.nan, 0, 0]]]))
    with pytest.raises(CifarlabError, match="1 of 12,001 rows, row 12,000 first"):
        predictions_from_files(path)


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("l.txt", "cat\n" * 40, "label 'cat': expected a class number or one of class 0"),
        ("l.txt", "-1\n" * 40, "label -1 .*expected 0 to 2"),
        ("l.txt", "0.5\n" * 40, "whole numbers"),
        ("l.csv", "0,1\n" * 40, "2 columns: expected one, or a header"),
        ("l.npy", np.eye(4)[LABELS], r"labels of shape \(images,\)"),
        ("missing.npy", None, r"no file .*missing.npy: expected true classes, one an image, as npz, npy or csv"),
    ],
)
def test_bad_labels_are_one_clear_line(file: str, content, message: str, tmp_path: Path) -> None:
    path = tmp_path / file
    if isinstance(content, np.ndarray):
        np.save(path, content)
    elif content:
        path.write_text(content)
    with pytest.raises(CifarlabError, match=message):
        predictions_from_files(write(tmp_path / "theirs.npy", LOGITS), path)


def test_ids_that_do_not_meet_and_missing_labels_are_refused(tmp_path: Path, labels: Path) -> None:
    theirs = write(tmp_path / "theirs.npz", LOGITS, ids=IDS)
    np.savez(tmp_path / "l.npz", labels=LABELS, ids=np.char.add("x", IDS))
    with pytest.raises(CifarlabError, match="different images"):
        predictions_from_files(theirs, tmp_path / "l.npz")
    with pytest.raises(CifarlabError, match="holds no labels: give them with --labels"):
        predictions_from_files(theirs)
    with pytest.raises(CifarlabError, match="3 classes: expected as many different names"):
        predictions_from_files(theirs, labels, ["cat", "dog"])


def test_the_command_prints_the_table_or_json(tmp_path: Path, labels: Path, capsys: pytest.CaptureFixture[str]) -> None:
    theirs = write(tmp_path / "theirs.npy", LOGITS)
    evaluate(predictions=theirs, labels=labels)
    shown = capsys.readouterr().out
    assert re.search(r"predicted +class 0 +class 1 +class 2\n", shown)
    evaluate(predictions=theirs, labels=labels, class_names="cat, dog, frog")
    shown = capsys.readouterr().out
    assert "theirs.npy: 40 given images of labels.npy\n" in shown
    assert "expected calibration error" in shown
    assert "frog" in shown
    evaluate(predictions=theirs, labels=labels, as_json=True)
    assert json.loads(capsys.readouterr().out)[0]["count"] == 40
    with pytest.raises(CifarlabError, match="stands instead of runs"):
        evaluate(["runs/a"], predictions=theirs)
    with pytest.raises(CifarlabError, match="--data-dir belongs to runs"):
        evaluate(predictions=theirs, data_dir="x")
    with pytest.raises(CifarlabError, match="belong to --predictions"):
        evaluate(class_names="a,b")
    with pytest.raises(CifarlabError, match="nothing to evaluate"):
        evaluate()


def test_cifar10s_test_set_is_compared_with_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth = np.random.default_rng(3).integers(10, size=10_000)
    counts = np.full((10_000, 10), 1)
    counts[np.arange(10_000), truth] = 41
    np.save(tmp_path / "counts.npy", counts)
    np.save(tmp_path / "labels.npy", truth)
    theirs = write(tmp_path / "theirs.npy", counts / 50)
    found = evaluate_files(theirs, tmp_path / "labels.npy", human_labels=tmp_path / "counts.npy")
    assert found.human["divergence"]["value"] == pytest.approx(0, abs=1e-6)
    assert found.human["accuracy_against_majority"]["value"] == 1
    evaluate(predictions=theirs, labels=tmp_path / "labels.npy", human_labels=tmp_path / "counts.npy")
    assert "theirs.npy predicts the majority label of 100.00 %" in capsys.readouterr().out
    np.save(tmp_path / "counts.npy", np.roll(counts, 1, axis=1))
    with pytest.raises(CifarlabError, match="only 2 % of people's answers are the labels"):
        evaluate_files(theirs, tmp_path / "labels.npy", human_labels=tmp_path / "counts.npy")
    with pytest.raises(CifarlabError, match="the human labels are of 10,000 images, the predictions of 40"):
        evaluate_files(
            write(tmp_path / "few.npy", LOGITS),
            write(tmp_path / "few-labels.npy", LABELS),
            human_labels=tmp_path / "counts.npy",
        )
