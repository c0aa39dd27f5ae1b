"""What could be read in two ways, with other numbers, is refused; what makes it certain is then read right."""

import os
from pathlib import Path

import numpy as np
import pytest

from cifarlab.evaluation.external.reading import predictions_from_files
from cifarlab.evaluation.external.scoring import evaluate_files
from cifarlab.utils.errors import CifarlabError

RANDOM = np.random.default_rng(5)
COUNT, CLASSES = 60, 3
LABELS = np.arange(COUNT) % CLASSES
LOGITS = np.round(RANDOM.normal(0, 1, (COUNT, CLASSES)) + 3 * np.eye(CLASSES)[LABELS], 4)
PROBABILITIES = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)
NAMES = np.array(["cat", "dog", "ship"])
HEAD = "cat,dog,ship"
ORDER = RANDOM.permutation(COUNT)
FILES = np.array([f"{word}.png" for word in RANDOM.permutation(1_000_000)[:COUNT] + 10_000_000])
ACCURACY = float(np.mean(LOGITS.argmax(axis=1) == LABELS))


def table(path: Path, header: str, *columns: object) -> Path:
    lines = [",".join(map(str, row)) for row in zip(*columns, strict=True)]
    path.write_text("\n".join([*([header] if header else []), *lines]) + "\n")
    return path


def scores(path: Path, header: str, *beside: object, numbers: np.ndarray = LOGITS) -> Path:
    return table(path, header, *numbers.T.tolist(), *beside)


@pytest.fixture
def names(tmp_path: Path) -> Path:
    return table(tmp_path / "names.csv", "label", NAMES[LABELS])


@pytest.fixture
def numbers(tmp_path: Path) -> Path:
    np.save(tmp_path / "numbers.npy", LABELS)
    return tmp_path / "numbers.npy"


@pytest.mark.parametrize("name", ["idx", "indices", "order", "sample_id", "image_index", "index", "whatever"])
def test_arrays_that_number_the_images_are_matched_or_refused(name: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "p.npz", logits=LOGITS, **{name: np.arange(COUNT)})
    np.savez(tmp_path / "l.npz", labels=LABELS[ORDER], **{name: ORDER})
    if name in ("index", "indices", "order", "whatever"):  # these may just count the rows of their file
        with pytest.raises(CifarlabError, match="does not number its rows so"):
            predictions_from_files(tmp_path / "p.npz", tmp_path / "l.npz")
    else:
        assert evaluate_files(tmp_path / "p.npz", tmp_path / "l.npz").accuracy == pytest.approx(ACCURACY)
    again = RANDOM.permutation(COUNT)
    np.savez(tmp_path / "p.npz", logits=LOGITS[again], **{name: again})
    assert evaluate_files(tmp_path / "p.npz", tmp_path / "l.npz").accuracy == pytest.approx(ACCURACY)
    np.savez(tmp_path / "l.npz", labels=LABELS)
    with pytest.raises(CifarlabError, match="does not number its rows so"):
        predictions_from_files(tmp_path / "p.npz", tmp_path / "l.npz")


def test_unique_words_are_matched_and_what_is_unused_is_said(tmp_path: Path) -> None:
    np.savez(tmp_path / "p.npz", logits=LOGITS, names=FILES, latency=RANDOM.random(COUNT))
    np.savez(tmp_path / "l.npz", labels=LABELS[ORDER], filenames=FILES[ORDER])
    found = evaluate_files(tmp_path / "p.npz", tmp_path / "l.npz")
    assert found.accuracy == pytest.approx(ACCURACY)
    assert "p.npz: latency left out." in found.notices


@pytest.mark.parametrize("name", ["photo_no", "uid", "sample", "id"])
def test_unknown_columns_of_labels_are_ids_where_they_name_the_rows(name: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "p.npz", logits=LOGITS, **{name: FILES})
    truth = table(tmp_path / "l.csv", f"{name},label", FILES[ORDER], LABELS[ORDER])
    assert evaluate_files(tmp_path / "p.npz", truth).accuracy == pytest.approx(ACCURACY)
    truth = table(tmp_path / "l.csv", f"{name},label", ORDER, LABELS[ORDER])
    np.save(tmp_path / "p.npy", LOGITS)
    with pytest.raises(CifarlabError, match="does not number its rows so"):
        predictions_from_files(tmp_path / "p.npy", truth)


def test_numbers_in_file_names_that_are_shuffled_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "p.npy", LOGITS)
    truth = table(tmp_path / "l.csv", "photo,label", [f"img_{row:04d}.png" for row in ORDER], LABELS[ORDER])
    with pytest.raises(CifarlabError, match="does not number its rows so"):
        predictions_from_files(tmp_path / "p.npy", truth)


@pytest.mark.parametrize("word", ["true", "y", "x", "class", "no", "error", "file", "key"])
def test_a_word_that_occurs_again_is_no_header(word: str, tmp_path: Path) -> None:
    values = np.array([word, "other"])[[0, *RANDOM.integers(2, size=29), 0]]
    theirs, truth = table(tmp_path / "p.txt", "", values), table(tmp_path / "l.txt", "", values)
    found = evaluate_files(theirs, truth)
    assert (found.count, found.accuracy) == (31, 1)
    assert f"{word!r}, the first row of p.txt, is read as a class: it occurs again below." in found.notices
    header = table(tmp_path / "h.txt", word, np.where(values == word, "third", values))
    found = evaluate_files(header, table(tmp_path / "l.txt", "", np.where(values == word, "third", values)))
    assert (found.count, found.accuracy) == (31, 1)


def test_rows_of_file_and_class_need_no_header(tmp_path: Path) -> None:
    np.savez(tmp_path / "p.npz", logits=LOGITS, ids=FILES, class_names=NAMES)
    truth = table(tmp_path / "l.csv", "", FILES[ORDER], NAMES[LABELS[ORDER]])
    assert evaluate_files(tmp_path / "p.npz", truth).accuracy == pytest.approx(ACCURACY)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("latency_ms", RANDOM.random(COUNT) * 9),
        ("uncertainty", RANDOM.random(COUNT)),
        ("max_logit", LOGITS.max(axis=1)),
        ("is_test", np.ones(COUNT)),
        ("cat.1", LOGITS[:, 0]),
        ("total", LOGITS.sum(axis=1)),
    ],
)
@pytest.mark.parametrize("kind", ["names", "numbers"])
def test_another_column_is_no_class(name: str, values: np.ndarray, kind: str, tmp_path: Path, request) -> None:
    truth = request.getfixturevalue(kind)
    theirs = scores(tmp_path / "p.csv", f"{HEAD},{name}", values)
    with pytest.raises(CifarlabError, match=name) if kind == "names" else pytest.raises(CifarlabError):
        predictions_from_files(theirs, truth)
    assert evaluate_files(theirs, truth, NAMES.tolist()).accuracy == pytest.approx(ACCURACY)
    headless = scores(tmp_path / "p.csv", "", values)
    np.save(tmp_path / "p.npy", np.column_stack([LOGITS, values]))
    for file in (headless, tmp_path / "p.npy"):
        with pytest.raises(CifarlabError):
            predictions_from_files(file, request.getfixturevalue("numbers"))


@pytest.mark.parametrize(("name", "values"), [("width", np.full(COUNT, 640)), ("sample", ORDER), ("age", ORDER % 50)])
def test_whole_logits_are_checked_as_well(name: str, values: np.ndarray, tmp_path: Path, numbers: Path) -> None:
    whole = np.round(LOGITS * 10).astype(int)
    theirs = scores(tmp_path / "p.csv", f"{name},{HEAD}", numbers=np.column_stack([values, whole]))
    with pytest.raises(CifarlabError, match=r"no class|columns that are no"):
        predictions_from_files(theirs, numbers)


def test_probabilities_beside_another_column_are_refused(tmp_path: Path, numbers: Path) -> None:
    theirs = scores(tmp_path / "p.csv", "", RANDOM.random(COUNT) * 9, numbers=PROBABILITIES)
    with pytest.raises(CifarlabError, match="column 4 is left where the others sum to 1"):
        predictions_from_files(theirs, numbers)


def test_a_class_without_images_is_made_certain_by_its_name(tmp_path: Path, names: Path) -> None:
    theirs = scores(tmp_path / "p.csv", f"{HEAD},frog", LOGITS[:, 0] - 9)
    with pytest.raises(
        CifarlabError, match=r"column 'frog', and no label is called so.*--class-names cat,dog,ship,frog"
    ):
        predictions_from_files(theirs, names)
    assert predictions_from_files(theirs, names, [*NAMES, "frog"]).class_names == (*NAMES, "frog")
    constant = scores(tmp_path / "p.csv", f"{HEAD},frog", 0 * LABELS, numbers=PROBABILITIES)
    with pytest.raises(CifarlabError, match="column 'frog' is the same in each row and no image is of it"):
        predictions_from_files(constant, names)
    share = np.linspace(0.01, 0.02, COUNT)
    certain = scores(tmp_path / "p.csv", f"{HEAD},frog", share, numbers=PROBABILITIES * (1 - share[:, None]))
    assert evaluate_files(certain, names).accuracy == pytest.approx(ACCURACY)


@pytest.mark.parametrize("pattern", ["digit_{}", "{}.0", "output {}", "p{}", "neuron-{:02d}"])
@pytest.mark.parametrize("start", [0, 1])
def test_numbered_columns_are_put_in_order(pattern: str, start: int, tmp_path: Path) -> None:
    truth = np.arange(48) % 12
    logits = np.round(np.random.default_rng(0).normal(0, 1, (48, 12)) + 4 * np.eye(12)[truth], 3)
    logits = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True) if pattern == "{}.0" else logits
    columns = sorted((pattern.format(place + start), place) for place in range(12))
    header = ",".join(name for name, _ in columns)
    theirs = table(tmp_path / "p.csv", header, *[logits[:, place].tolist() for _, place in columns])
    np.save(tmp_path / "l.npy", truth + start)
    right = np.mean(logits.argmax(axis=1) == truth)
    assert evaluate_files(theirs, tmp_path / "l.npy").accuracy == pytest.approx(right)


def test_labels_that_may_count_from_one_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "p.npy", LOGITS)
    np.save(tmp_path / "l.npy", np.where(LABELS == 2, 1, LABELS + 1))
    with pytest.raises(CifarlabError, match="may count from 0 or from 1; from 0, say"):
        predictions_from_files(tmp_path / "p.npy", tmp_path / "l.npy")
    for start in (0, 1):
        found = predictions_from_files(tmp_path / "p.npy", tmp_path / "l.npy", [str(start + k) for k in range(3)])
        assert set(found.labels.tolist()) == {1 - start, 2 - start}
    theirs = scores(tmp_path / "p.csv", "V1,V2,V3")
    with pytest.raises(CifarlabError, match="may count from 0 or from 1"):
        predictions_from_files(theirs, tmp_path / "l.npy")


@pytest.mark.parametrize("name", ["class_names", "classes", "classes_"])
def test_class_names_of_both_files_are_heeded(name: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "p.npz", probabilities=PROBABILITIES, **{name: NAMES})
    np.savez(tmp_path / "l.npz", labels=np.array([2, 0, 1])[LABELS], **{name: NAMES[[1, 2, 0]]})
    assert evaluate_files(tmp_path / "p.npz", tmp_path / "l.npz").accuracy == pytest.approx(ACCURACY)


def test_numbers_of_scikit_learns_classes_are_names(tmp_path: Path) -> None:
    np.savez(tmp_path / "p.npz", probabilities=PROBABILITIES, classes=[3, 5, 7], y=np.array([3, 5, 7])[LABELS])
    assert evaluate_files(tmp_path / "p.npz").accuracy == pytest.approx(ACCURACY)


def test_whole_numbers_in_two_columns_are_refused(tmp_path: Path, numbers: Path) -> None:
    np.save(tmp_path / "l.npy", LABELS % 2)
    for first in (np.arange(COUNT), ORDER, LABELS % 2):
        np.save(tmp_path / "p.npy", np.column_stack([first, 1 - LABELS % 2]))
        with pytest.raises(CifarlabError):
            predictions_from_files(tmp_path / "p.npy", tmp_path / "l.npy")
    theirs = table(tmp_path / "p.csv", "resnet,vgg", LABELS % 2, 1 - LABELS % 2)
    with pytest.raises(CifarlabError, match="two columns of whole numbers, which may be the answers of two models"):
        predictions_from_files(theirs, tmp_path / "l.npy")


def test_answers_of_as_many_models_as_classes_are_refused(tmp_path: Path, numbers: Path) -> None:
    answers = np.column_stack([LABELS, LABELS[ORDER], LABELS[::-1]])
    np.save(tmp_path / "p.npy", answers)
    theirs = table(tmp_path / "p.csv", "resnet,vgg,vit", *answers.T)
    for file in (tmp_path / "p.npy", theirs):
        with pytest.raises(CifarlabError, match="3 columns of whole numbers, which may be the answers of 3 models"):
            predictions_from_files(file, numbers)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"logits": LOGITS, "label": LABELS, "target": LABELS[::-1]}, "label and target, which differ"),
        ({"logits": LOGITS, "labels": LABELS, "y_true": LABELS[::-1]}, "labels and y_true, which differ"),
        ({"probs": PROBABILITIES, "probabilities": PROBABILITIES[::-1], "labels": LABELS}, "not the same scores"),
        ({"logits": LOGITS, "train_logits": LOGITS[:9], "labels": LABELS}, "logits and train_logits"),
        ({"logits": LOGITS, "labels": LABELS, "fine_labels": LABELS[::-1]}, "labels and fine_labels, which differ"),
        ({"labels": LABELS}, "labels alone|no predictions"),
    ],
)
def test_several_candidates_are_refused(arrays: dict, message: str, tmp_path: Path, numbers: Path) -> None:
    np.savez(tmp_path / "p.npz", **arrays)
    for truth in (None, numbers):
        with pytest.raises(CifarlabError, match=message):
            predictions_from_files(tmp_path / "p.npz", truth)


def test_labels_are_not_held_against_themselves(tmp_path: Path) -> None:
    truth = table(tmp_path / "l.csv", "id,label", FILES, NAMES[LABELS])
    with pytest.raises(CifarlabError, match="holds the labels themselves: expected predictions"):
        predictions_from_files(truth, truth)


def test_labels_of_rs_write_table(tmp_path: Path) -> None:
    theirs = scores(tmp_path / "p.csv", HEAD, numbers=PROBABILITIES)
    lines = [f'"{row + 1}" "{NAMES[label]}"' for row, label in enumerate(LABELS)]
    (tmp_path / "l.txt").write_text('"x"\n' + "\n".join(lines) + "\n")
    assert evaluate_files(theirs, tmp_path / "l.txt").accuracy == pytest.approx(ACCURACY)


@pytest.mark.parametrize("header", [HEAD, "0,1,2", ""])
@pytest.mark.parametrize("bits", [("False", "True"), ("0", "1"), ("0.0", "1.0")])
def test_labels_may_be_one_hot(header: str, bits: tuple[str, str], tmp_path: Path) -> None:
    theirs = scores(tmp_path / "p.csv", HEAD)
    truth = table(tmp_path / "l.csv", header, *np.array(bits)[np.eye(3, dtype=int)[LABELS].T])
    assert evaluate_files(theirs, truth).accuracy == pytest.approx(ACCURACY)


def test_an_unknown_column_beside_predictions_is_named(tmp_path: Path, names: Path) -> None:
    theirs = table(tmp_path / "p.csv", "width,prediction", ORDER % 7, NAMES[LABELS])
    with pytest.raises(CifarlabError, match="predicted classes and column 'width', which is not known"):
        predictions_from_files(theirs, names)
    theirs = table(tmp_path / "p.csv", "idx,prediction", ORDER, NAMES[LABELS])
    with pytest.raises(CifarlabError, match="does not number its rows so"):
        predictions_from_files(theirs, names)


def test_guesses_that_are_numbers_are_read(tmp_path: Path, numbers: Path) -> None:
    theirs = table(tmp_path / "p.csv", "image,class_1,probability_1", FILES, LABELS, [0.5] * COUNT)
    assert evaluate_files(theirs, numbers).accuracy == 1


def test_classes_are_the_numbers_that_occur(tmp_path: Path) -> None:
    values = np.array([3, 5, 7])[LABELS]
    found = evaluate_files(table(tmp_path / "p.txt", "", values), table(tmp_path / "l.txt", "", values))
    assert found.class_names == ("3", "5", "7")


def test_hard_classes_one_apart_are_refused(tmp_path: Path) -> None:
    truth = np.where(LABELS == 2, 0, LABELS)
    theirs = table(tmp_path / "p.txt", "", truth + 1)
    with pytest.raises(CifarlabError, match="from 1"):
        predictions_from_files(theirs, table(tmp_path / "l.txt", "", LABELS * (LABELS < 2)))


def test_numbers_of_another_file_may_follow_another_order_than_the_names(tmp_path: Path) -> None:
    np.savez(tmp_path / "p.npz", probs=PROBABILITIES, classes=NAMES)
    np.save(tmp_path / "l.npy", np.array([2, 0, 1])[LABELS])
    with pytest.raises(CifarlabError, match="say with --class-names dog,ship,cat which class each label number is"):
        predictions_from_files(tmp_path / "p.npz", tmp_path / "l.npy")
    found = evaluate_files(tmp_path / "p.npz", tmp_path / "l.npy", ["dog", "ship", "cat"])
    assert found.accuracy == pytest.approx(ACCURACY)


@pytest.mark.parametrize("hard", [True, False])
def test_what_was_made_certain_stays_so_in_the_file_that_was_written(hard: bool, tmp_path: Path) -> None:
    turned = np.array([2, 0, 1])[LABELS]
    theirs = table(tmp_path / "p.txt", "", LOGITS.argmax(axis=1)) if hard else scores(tmp_path / "p.csv", HEAD)
    np.save(tmp_path / "l.npy", turned)
    with pytest.raises(CifarlabError, match="with the classes in another order"):
        predictions_from_files(theirs, tmp_path / "l.npy")
    found = evaluate_files(theirs, tmp_path / "l.npy", NAMES.tolist(), output=tmp_path / "out")
    assert evaluate_files(tmp_path / "out" / "predictions.npz").accuracy == found.accuracy


def test_a_folder_or_pipe_is_no_table(tmp_path: Path, numbers: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(CifarlabError, match="no regular file"):
        predictions_from_files(tmp_path / "folder.csv")
    for name in ("p.csv", "p.npy", "p.npz"):
        os.mkfifo(tmp_path / name)
        with pytest.raises(CifarlabError, match="no regular file"):
            predictions_from_files(tmp_path / name, numbers)
        with pytest.raises(CifarlabError, match="no regular file"):
            predictions_from_files(numbers, tmp_path / name)
