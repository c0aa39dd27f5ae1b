"""Predicted classes without probabilities: scored as far as they go, and no further."""

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics as sk

from cifarlab import metrics
from cifarlab.cli.commands.evaluate import evaluate
from cifarlab.evaluation.external.reading import predictions_from_files
from cifarlab.evaluation.external.scoring import evaluate_files
from cifarlab.runs.predictions import HardPredictions
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.json_data import json_data

RANDOM = np.random.default_rng(0)
LABELS = RANDOM.integers(3, size=40)
PREDICTED = np.where(RANDOM.random(40) < 0.7, LABELS, RANDOM.integers(3, size=40))
NAMES = np.array(["cat", "dog", "ship"])
IDS = [f"image-{index}" for index in range(40)]
ORDER = RANDOM.permutation(40)


def table(path: Path, header: str, *columns: object) -> Path:
    lines = [",".join(map(str, row)) for row in zip(*columns, strict=True)]
    path.write_text("\n".join([*([header] if header else []), *lines]) + "\n")
    return path


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    return table(tmp_path / "labels.csv", "id,label", [IDS[k] for k in ORDER], NAMES[LABELS[ORDER]])


@pytest.fixture
def numbers(tmp_path: Path) -> Path:
    np.save(tmp_path / "numbers.npy", LABELS)
    return tmp_path / "numbers.npy"


def test_what_needs_no_probabilities_is_scikit_learns(tmp_path: Path, labels: Path) -> None:
    theirs = table(tmp_path / "p.csv", "id,prediction", IDS, NAMES[PREDICTED])
    found = evaluate_files(theirs, labels, output=tmp_path / "out")
    assert found.accuracy == pytest.approx(sk.accuracy_score(LABELS, PREDICTED))
    assert found.scores["macro_f1"].value == pytest.approx(sk.f1_score(LABELS, PREDICTED, average="macro"))
    assert np.array_equal(found.confusion_matrix, sk.confusion_matrix(LABELS, PREDICTED))
    assert found.loss is None
    missing = {name for name, score in found.scores.items() if score.value is None}
    hard = {"accuracy", "balanced_accuracy", "macro_f1", "macro_precision", "macro_recall"}
    assert missing == set(metrics.names()) - hard
    assert found.scores["top3_accuracy"].method == "undefined: needs probabilities"
    assert json.loads((tmp_path / "out" / "scores.json").read_text()) == json_data(found)
    again = predictions_from_files(tmp_path / "out" / "predictions.npz")
    assert isinstance(again, HardPredictions)
    assert metrics.score(again) == metrics.score(predictions_from_files(theirs, labels))


def test_every_way_to_write_classes_is_read(tmp_path: Path, labels: Path, numbers: Path) -> None:
    np.save(tmp_path / "a.npy", PREDICTED[:, None])
    np.savez(tmp_path / "b.npz", y_pred=PREDICTED, y_true=LABELS)
    top = "image,class_1,probability_1,class_2"  # as `cifarlab predict --csv` prints it
    files = [
        (tmp_path / "a.npy", numbers),
        (tmp_path / "b.npz", None),
        (table(tmp_path / "c.txt", "", PREDICTED), numbers),
        (table(tmp_path / "d.csv", ",0", range(40), PREDICTED), numbers),
        (table(tmp_path / "e.csv", "0", PREDICTED), numbers),
        (table(tmp_path / "f.csv", "y_true,y_pred", NAMES[LABELS], NAMES[PREDICTED]), None),
        (table(tmp_path / "g.csv", "id,label", IDS, NAMES[PREDICTED]), labels),  # as submissions are written
        (table(tmp_path / "h.csv", top, IDS, NAMES[PREDICTED], [0.5] * 40, NAMES[LABELS]), labels),
    ]  # fmt: skip
    for file, truth in files:
        found = predictions_from_files(file, truth)
        assert isinstance(found, HardPredictions), file
        assert (found.predicted.tolist(), found.labels.tolist()) == (PREDICTED.tolist(), LABELS.tolist()), file


def test_names_and_numbers_meet_by_class_names(tmp_path: Path, numbers: Path) -> None:
    theirs = table(tmp_path / "p.txt", "", NAMES[PREDICTED])
    with pytest.raises(CifarlabError, match="names on one side and numbers on the other: say with --class-names"):
        predictions_from_files(theirs, numbers)
    assert predictions_from_files(theirs, numbers, list(NAMES)).predicted.tolist() == PREDICTED.tolist()


def test_names_that_differ_in_case_alone_are_one_class(tmp_path: Path, labels: Path) -> None:
    theirs = table(tmp_path / "p.csv", "id,prediction", IDS, np.char.upper(NAMES[PREDICTED]))
    found = evaluate_files(theirs, labels)
    assert found.class_names == ("cat", "dog", "ship")
    assert found.accuracy == pytest.approx(np.mean(PREDICTED == LABELS))
    assert "p.csv: 'CAT' counts as class 'cat'." in found.notices
    other = np.where(NAMES[PREDICTED] == "cat", "kitten", NAMES[PREDICTED])
    found = evaluate_files(table(tmp_path / "p.csv", "id,prediction", IDS, other), labels)
    assert "Predicted, but no label in labels.csv: kitten." in found.notices
    with pytest.raises(CifarlabError, match=r"'boat' and .*'cat': expected the same names in both"):
        evaluate_files(table(tmp_path / "p.csv", "id,prediction", IDS, ["boat"] * 40), labels)


def test_a_number_beside_labels_is_no_prediction(tmp_path: Path, labels: Path) -> None:
    theirs = table(tmp_path / "p.csv", "filename,label,width", IDS, LABELS, [32] * 40)
    with pytest.raises(CifarlabError, match="has labels and column 'width': name that prediction"):
        predictions_from_files(theirs, labels)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (PREDICTED + 1, "classes from 1 to 3 and .* from 0 to 2: begin both at 0"),
        (PREDICTED + 10**9, "expected numbers from 0 to 100,000"),
        (np.where(np.arange(40) == 7, "", PREDICTED.astype(str)), "empty row 8 amid its values"),
        (np.where(np.arange(40) == 7, "NA", PREDICTED.astype(str)), "'NA' where a class is expected"),
        (PREDICTED[:39], "39 predictions, but .* 40 labels"),
    ],
)
def test_bad_classes_are_one_clear_line(values: np.ndarray, message: str, tmp_path: Path, numbers: Path) -> None:
    with pytest.raises(CifarlabError, match=message):
        predictions_from_files(table(tmp_path / "p.txt", "", values), numbers)


def test_the_table_says_what_needs_probabilities(
    tmp_path: Path, labels: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    theirs = table(tmp_path / "p.csv", "id,prediction", IDS, NAMES[PREDICTED])
    evaluate(predictions=theirs, labels=labels)
    shown = capsys.readouterr().out
    assert "p.csv has predicted classes alone: loss, calibration, top-3 and risk need probabilities." in shown
    assert shown.count("needs probabilities") == 6
    np.save(tmp_path / "counts.npy", np.ones((10_000, 10)))
    with pytest.raises(CifarlabError, match="--human-labels needs probabilities"):
        evaluate(predictions=theirs, labels=labels, human_labels=tmp_path / "counts.npy")
