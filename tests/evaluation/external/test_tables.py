"""Tables as people's tools write them, against scikit-learn's numbers.

The files in `tables` were written by pandas 3.1 and NumPy, those called `excel_` and `r_` after what Excel and R write:
twelve images, three classes, the same probabilities and labels (`truth.json`) in all of them.
"""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from cifarlab.evaluation.external.reading import predictions_from_files
from cifarlab.evaluation.external.scoring import evaluate_files
from cifarlab.utils.errors import CifarlabError

TABLES = Path(__file__).parent / "tables"
TRUTH = json.loads((TABLES / "truth.json").read_text())
PROBABILITIES, LABELS = np.array(TRUTH["probabilities"]), np.array(TRUTH["labels"])
NAMES = ("cat", "dog", "ship")
FILES = sorted(path.name for path in TABLES.iterdir() if path.suffix != ".json")
OWN_LABELS = {"pandas_shuffled.csv", "pandas_everything.csv", "other_order.csv"}


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    np.save(tmp_path / "labels.npy", LABELS)
    return tmp_path / "labels.npy"


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8", newline="")
    return path


def rows(scores: np.ndarray, separator: str = ",") -> str:
    return "".join(separator.join(map(repr, map(float, row))) + "\n" for row in scores)


@pytest.mark.parametrize("file", FILES)
def test_every_way_to_write_a_table_gives_scikit_learns_numbers(file: str, labels: Path) -> None:
    found = evaluate_files(TABLES / file, None if file in OWN_LABELS else labels)
    assert found.accuracy == pytest.approx(sk.accuracy_score(LABELS, PROBABILITIES.argmax(axis=1)))
    assert found.loss == pytest.approx(sk.log_loss(LABELS, PROBABILITIES), abs=1e-4)
    expected = sk.confusion_matrix(LABELS, PROBABILITIES.argmax(axis=1))
    order = [found.class_names.index(name) for name in NAMES] if "cat" in found.class_names else [0, 1, 2]
    assert np.array(found.confusion_matrix)[np.ix_(order, order)].tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("pandas_index.csv", "pandas_index.csv: column 1, which has no name, left out: it numbers the rows."),
        ("pandas_unnamed.csv", "pandas_unnamed.csv: column 'Unnamed: 0' left out: it numbers the rows."),
        ("pandas_everything.csv", "pandas_everything.csv: 'confidence' left out: no class."),
        (
            "pandas_numbers_no_index.csv",
            "The first row of pandas_numbers_no_index.csv (0, 1, 2) is read as its header.",
        ),
        ("pandas_percent.csv", "Percentages of pandas_percent.csv read as probabilities."),
        ("pandas_hundred.csv", "Rows of pandas_hundred.csv sum to 100: read as percentages."),
        ("pandas_german.csv", "pandas_german.csv is separated by semicolons."),
        ("pandas_no_index.csv", "Class numbers are in the order of the columns: 0 is cat, 1 is dog, 2 is ship."),
        (
            "numbers_in_other_order.csv",
            "Columns of numbers_in_other_order.csv are taken in the order of their numbers: 0, 1, 2.",
        ),
        ("log_probabilities.csv", "Numbers of log_probabilities.csv read as log-probabilities."),
    ],
)
def test_what_was_assumed_is_said(file: str, said: str, labels: Path) -> None:
    assert said in evaluate_files(TABLES / file, None if file in OWN_LABELS else labels).notices


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
def test_encodings_keep_names(encoding: str, tmp_path: Path) -> None:
    names = ("Kätzchen", "Hund", "Schiff")
    (tmp_path / "p.csv").write_text(",".join(names) + "\n" + rows(PROBABILITIES), encoding=encoding)
    write(tmp_path / "l.txt", "\n".join(names[label] for label in LABELS))
    found = predictions_from_files(tmp_path / "p.csv", tmp_path / "l.txt")
    assert (found.class_names, found.labels.tolist()) == (names, LABELS.tolist())


AGES = np.array([31, 44, 52, 67, 23, 31, 44, 52, 67, 23, 31, 44])
WITH_AGES = "".join(f"{row},{age}\n" for row, age in zip(rows(PROBABILITIES * 9).split(), AGES, strict=True))
HEAD = "cat,dog,ship\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cat,dog,cat\n" + rows(PROBABILITIES), "two columns named 'cat'"),
        (HEAD + rows(PROBABILITIES)[:-9] + "NA\n", r"row 13, column 'ship' holds '[\d.]*NA'"),
        (HEAD + rows(PROBABILITIES[:11]) + "0.5,,0.5\n", "row 13, column 'dog' holds ''"),
        ("0,1\n" + "0.3,0.7\n" * 11, r"first row \(0, 1\) may be class names or an image"),
        ("3,5,7\n" + rows(np.log(PROBABILITIES) * 2), r"first row \(3, 5, 7\) may be class names or an image"),
        ("0.5,1.5,2.5\n" + rows(PROBABILITIES[1:]), r"probabilities in 11 of 12 rows, but row 0 .* sums to 4.5"),
        ("cat,dog,ship,site\n" + rows(PROBABILITIES).replace("\n", ",north\n"), "column 'site' holds 'north'"),
        (rows(PROBABILITIES).replace("\n", ",north\n"), "column 4 holds 'north', which is no number"),
        ("cat,dog,ship,age\n" + WITH_AGES, "column 'age' holds whole numbers and the others fractions"),
        ("cat;dog;ship\n" + "1,234;2,345;3,456\n" * 12, "1,234, which may be a decimal comma or thousands"),
        ("cat;dog;ship\n" + "0,2;0,3;0.5\n" * 12, "decimals in two ways, 0,2 and 0.5"),
        (HEAD + rows(PROBABILITIES[:6]) + "#9,0,0\n" + rows(PROBABILITIES[6:]), "amid the rows, row 8"),
        (HEAD + "200,50,5\n199,50,5\n100,100,56\n" * 4, "rows that all sum to 255, as votes do"),
        (HEAD + "300,150,50\n" * 12, "rows that all sum to 500, as votes do"),
        (HEAD + rows(-np.log(PROBABILITIES)), "negative log-probabilities"),
        (HEAD + rows(np.sqrt(PROBABILITIES)), "neither logits nor probabilities.*not independent sigmoids"),
        (rows(PROBABILITIES.T / PROBABILITIES.T.sum(axis=0)), "columns that sum to 1, not rows"),
        ("p\n" + "0.7\n" * 12, "of two classes, give both: 1 - p and p"),
        (HEAD + rows(PROBABILITIES).replace("\n", ",\n", 3), "3 columns in row 5|columns in row"),
        ("prob_cat,prob_dog,logit_cat,logit_dog\n" + "0.3,0.7,-1.5,2.5\n" * 12, "class in two columns, 'prob_cat'"),
        ("".join(f"{row},1\n" for row in rows(PROBABILITIES * 9).split()), "column 4 holds whole numbers"),
        ('cat,dog,ship\n"0.1,0.2,0.7\n', "is broken"),
    ],
)  # fmt: skip
def test_what_could_be_several_things_is_one_line(text: str, message: str, tmp_path: Path, labels: Path) -> None:
    with pytest.raises(CifarlabError, match=message) as caught:
        predictions_from_files(write(tmp_path / "p.csv", text), labels)
    assert "\n" not in str(caught.value)


def test_rows_in_another_order_than_labels_without_numbers_are_refused(tmp_path: Path, labels: Path) -> None:
    with pytest.raises(CifarlabError, match=r"rows in the order .*labels.npy does not number its rows so"):
        predictions_from_files(TABLES / "pandas_shuffled.csv", labels)
    write(tmp_path / "l.csv", ",label\n" + "".join(f"{row},{label}\n" for row, label in enumerate(LABELS)))
    with pytest.raises(CifarlabError, match=r"rows in the order .*l.csv does not number its rows so"):
        predictions_from_files(TABLES / "pandas_shuffled.csv", tmp_path / "l.csv")  # l.csv's index may just count
    order = np.random.default_rng(0).permutation(12)
    write(tmp_path / "l.csv", ",label\n" + "".join(f"{row},{LABELS[row]}\n" for row in order))
    found = evaluate_files(TABLES / "pandas_shuffled.csv", tmp_path / "l.csv")
    assert "pandas_shuffled.csv and l.csv are matched by their row names." in found.notices
    assert found.accuracy == pytest.approx(np.mean(PROBABILITIES.argmax(axis=1) == LABELS))


@pytest.mark.parametrize(("header", "start"), [("id", 0), ("id", 1), ("", 0)])
def test_row_names_that_only_count_match_nothing(header: str, start: int, tmp_path: Path) -> None:
    order = np.random.default_rng(0).permutation(12)
    write(tmp_path / "l.csv", f"{header},label\n" + "".join(f"{row + start},{LABELS[row]}\n" for row in order))
    with pytest.raises(CifarlabError, match=r"rows in the order .*pandas_index.csv does not number its rows so"):
        evaluate_files(TABLES / "pandas_index.csv", tmp_path / "l.csv")


def test_ids_of_one_file_alone_are_said(tmp_path: Path) -> None:
    write(tmp_path / "l.csv", "id,label\n" + "".join(f"image-{row},{label}\n" for row, label in enumerate(LABELS)))
    said = "pandas_index.csv does not name its rows so: they are taken in the order of l.csv."
    assert said in evaluate_files(TABLES / "pandas_index.csv", tmp_path / "l.csv").notices


def test_class_names_choose_columns_by_name(tmp_path: Path, labels: Path) -> None:
    table = write(
        tmp_path / "p.csv", "ship,weight_kg,cat,dog\n" + rows(np.insert(PROBABILITIES[:, [2, 0, 1]], 1, 7.5, axis=1))
    )
    found = predictions_from_files(table, labels, NAMES)
    assert found.probabilities == pytest.approx(PROBABILITIES, abs=1e-6)
    with pytest.raises(CifarlabError, match="only some of these"):
        predictions_from_files(TABLES / "pandas_index.csv", labels, ("dog", "cat", "boat"))


def test_a_predicted_class_beside_the_scores_checks_their_order(tmp_path: Path, labels: Path) -> None:
    best = PROBABILITIES.argmax(axis=1)
    lines = rows(PROBABILITIES).split()
    text = "cat,dog,ship,pred\n" + "".join(
        f"{line},{NAMES[(place + 1) % 3]}\n" for line, place in zip(lines, best, strict=True)
    )
    with pytest.raises(CifarlabError, match="not the highest in 12 of 12 images: the columns may be in another order"):
        predictions_from_files(write(tmp_path / "p.csv", text), labels)


@pytest.mark.parametrize(
    ("number", "hint"), [(1, "they go from 1 to 3, as in R and Matlab: subtract 1"), (5, "0 to 2")]
)
def test_labels_from_one_are_refused(number: int, hint: str, tmp_path: Path) -> None:
    np.save(tmp_path / "l.npy", LABELS + number)
    with pytest.raises(CifarlabError, match=hint):
        predictions_from_files(TABLES / "pandas_index.csv", tmp_path / "l.npy")


def test_numbers_that_are_names_are_no_places(tmp_path: Path) -> None:
    table = write(tmp_path / "p.csv", "3,5,7\n" + rows(PROBABILITIES))
    np.save(tmp_path / "l.npy", np.array([3, 5, 7])[LABELS])
    found = evaluate_files(table, tmp_path / "l.npy")
    assert found.accuracy == pytest.approx(np.mean(PROBABILITIES.argmax(axis=1) == LABELS))
    assert "The numbers in l.npy are class names (3, 5, 7), not places." in found.notices
    np.save(tmp_path / "l.npy", LABELS)
    with pytest.raises(CifarlabError, match="label '0', and the classes are named 3, 5, 7"):
        evaluate_files(table, tmp_path / "l.npy")


def test_answers_that_fit_another_order_of_classes_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "p.npy", np.tile(np.eye(3) * 5, (10, 1)))
    np.save(tmp_path / "l.npy", np.tile([1, 2, 0], 10))
    told = "0 % of the answers are right, but 100 % would be with the classes in another order"
    with pytest.raises(CifarlabError, match=told):
        evaluate_files(tmp_path / "p.npy", tmp_path / "l.npy")
    assert any(said.startswith(told) for said in evaluate_files(tmp_path / "p.npy", tmp_path / "l.npy", NAMES).notices)
    write(tmp_path / "p.csv", "cat,dog,ship\n" + rows(np.tile(np.eye(3) * 5, (10, 1))))
    with pytest.raises(CifarlabError, match="say with --class-names ship,cat,dog which class each label number is"):
        evaluate_files(tmp_path / "p.csv", tmp_path / "l.npy")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_table_written_is_the_table_read(data: st.DataObject, tmp_path: Path) -> None:
    """Random scores in random writing: separator, decimal mark, quotes, line ends, index, encoding, order."""
    seed, count, classes = (data.draw(st.integers(*limits)) for limits in ((0, 999), (6, 12), (3, 6)))
    random = np.random.default_rng(seed)
    scores = random.normal(0, 3, (count, classes)).round(4)
    truth = random.permutation(np.arange(count) % classes)
    names = [f"name {place}é" for place in range(classes)]
    decimal = data.draw(st.sampled_from(".,"))
    separator = data.draw(st.sampled_from(";\t|" if decimal == "," else ",;\t|"))
    index = data.draw(st.sampled_from([None, "", "Unnamed: 0", "index"]))
    quote, end = data.draw(st.sampled_from(["", '"'])), data.draw(st.sampled_from(["\n", "\r\n", "\r"]))
    columns = data.draw(st.permutations(range(classes)))
    table = [[names[place] for place in columns]]
    table += [[f"{row[place]:.4f}".replace(".", decimal) for place in columns] for row in scores]
    if index is not None:
        table = [[first, *cells] for first, cells in zip([index, *map(str, range(count))], table, strict=True)]
    text = end.join(separator.join(f"{quote}{cell}{quote}" for cell in cells) for cells in table) + end
    encoding = data.draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]))
    (tmp_path / "p.csv").write_bytes(text.encode(encoding))
    write(tmp_path / "l.txt", "\n".join(names[label] for label in truth))
    found = predictions_from_files(tmp_path / "p.csv", tmp_path / "l.txt")
    assert found.logits == pytest.approx(scores[:, columns].astype(np.float32))
    assert [found.class_names[label] for label in found.labels] == [names[label] for label in truth]
