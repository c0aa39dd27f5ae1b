import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from cifarlab import recipes, runs
from cifarlab.evaluation.comparison.pairs import Comparison, compare
from cifarlab.evaluation.external.scoring import evaluate_files
from cifarlab.metrics.statistics.intervals import wilson_limits
from cifarlab.metrics.statistics.significance import holm, mcnemar, paired_difference, show_p
from cifarlab.runs import Run
from cifarlab.runs.predictions import Predictions
from cifarlab.utils import files
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.json_data import json_data
from cifarlab.utils.json_reading import from_json

NAMES = ("cat", "dog", "frog")


def make_run(root: Path, name: str, right: list[bool], class_names: tuple[str, ...] = NAMES, first_id: int = 0) -> Run:
    """A run whose predictions for class 0, 1, 2, 0, ... are right or wrong as asked."""
    run = runs.create_run(root, name)
    run.set_state("finished")
    files.write_json(run.recipe_file, recipes.to_dict(recipes.Recipe(model="mlp")))
    files.write_json(run.data_file, {"name": "digits"})
    files.write_json(run.environment_file, {})
    labels = np.arange(len(right), dtype=np.int64) % 3
    predicted = np.where(right, labels, (labels + 1) % 3)
    ids = np.array([f"test-{first_id + index:05d}" for index in range(len(right))], dtype=str)
    logits = np.eye(len(class_names), dtype=np.float32)[predicted]
    Predictions(ids, labels, logits, class_names).save(run.predictions_file("test"))
    return run


def test_counts_ids_and_test_of_a_pair(tmp_path: Path) -> None:
    first = make_run(tmp_path, "first", [True] * 4 + [False, True, True, True, False, False])
    second = make_run(tmp_path, "second", [True] * 4 + [True, False, False, False, False, True])
    result = compare([first, second.path])
    (pair,) = result.pairs
    assert result.count == 10
    assert [run.run for run in result.runs] == ["first", "second"]
    assert [run.accuracy.value for run in result.runs] == pytest.approx([0.7, 0.6])
    counts = (pair.both_right, pair.only_first_right_count, pair.only_second_right_count, pair.both_wrong)
    assert counts == (4, 3, 2, 1)
    assert pair.only_first_right == ("test-00005", "test-00006", "test-00007")
    assert pair.only_second_right == ("test-00004", "test-00009")
    assert pair.accuracy_difference.value == pytest.approx(0.1)
    assert pair.p_value == pair.adjusted_p_value == stats.binomtest(3, 5).pvalue
    assert "do not tell first and second apart" in pair.sentence
    assert from_json(Comparison, json.loads(json.dumps(json_data(result), allow_nan=False))) == result
    assert "first is more accurate" not in str(result)
    assert "<td>first</td><td>70.00 %</td>" in result._repr_html_()


@pytest.mark.parametrize("swapped", [False, True])
def test_a_clear_winner_is_named_first_whatever_the_order(tmp_path: Path, swapped: bool) -> None:
    good = make_run(tmp_path, "good", [True] * 90 + [False] * 10)
    poor = make_run(tmp_path, "poor", [True] * 60 + [False] * 40)
    (pair,) = compare([poor, good] if swapped else [good, poor]).pairs
    assert pair.accuracy_difference.value == pytest.approx(-0.3 if swapped else 0.3)
    assert pair.sentence.startswith("good is more accurate than poor by 30.00 percentage points on 100 test images")
    assert "p < 0.0001" in pair.sentence


def test_equal_runs_have_nothing_that_sets_them_apart(tmp_path: Path) -> None:
    one, two = (make_run(tmp_path, name, [True] * 5 + [False]) for name in ("one", "two"))
    (pair,) = compare([one, two]).pairs
    assert pair.p_value == 1.0
    assert pair.sentence.endswith("nothing sets them apart.")


def test_several_pairs_are_adjusted(tmp_path: Path) -> None:
    entrants = [make_run(tmp_path, f"r{share}", [True] * share + [False] * (60 - share)) for share in (30, 36, 42)]
    pairs = compare(entrants).pairs
    assert [(pair.first, pair.second) for pair in pairs] == list(itertools.combinations(["r30", "r36", "r42"], 2))
    raw = [pair.p_value for pair in pairs]
    assert [pair.adjusted_p_value for pair in pairs] == holm(raw)
    assert pairs[0].adjusted_p_value > raw[0]
    assert "adjusted for 3 pairs" in pairs[0].sentence


def test_images_in_another_order_are_matched_by_id(tmp_path: Path) -> None:
    right = [index % 3 > 0 for index in range(30)]
    one, two = make_run(tmp_path, "one", right), make_run(tmp_path, "two", right)
    stored = Predictions.load(two.predictions_file("test"))
    order = np.random.default_rng(0).permutation(30)
    shuffled = Predictions(stored.ids[order], stored.labels[order], stored.logits[order], NAMES)
    shuffled.save(two.predictions_file("test"))
    (pair,) = compare([one, two]).pairs
    assert (pair.both_right, pair.only_first_right, pair.only_second_right) == (20, (), ())


def test_runs_of_one_name_are_told_apart_by_their_paths(tmp_path: Path) -> None:
    one, two = make_run(tmp_path / "a", "same", [True] * 3), make_run(tmp_path / "b", "same", [True] * 3)
    assert [run.run for run in compare([one, two]).runs] == [str(one.path), str(two.path)]


def test_what_cannot_be_compared_is_refused_in_one_line(tmp_path: Path) -> None:
    right = [True] * 6
    good = make_run(tmp_path, "good", right)
    renamed = make_run(tmp_path, "renamed", right, class_names=("cat", "dog", "horse"))
    elsewhere = make_run(tmp_path, "elsewhere", right, first_id=100)
    fewer = make_run(tmp_path, "fewer", right[:5])
    relabelled = make_run(tmp_path, "relabelled", right)
    stored = Predictions.load(relabelled.predictions_file("test"))
    Predictions(stored.ids, (stored.labels + 1) % 3, stored.logits, NAMES).save(relabelled.predictions_file("test"))
    broken = make_run(tmp_path, "broken", right)
    broken.predictions_file("test").write_bytes(b"not a zip")
    empty_one, empty_two = make_run(tmp_path, "empty1", []), make_run(tmp_path, "empty2", [])
    for given, expected in [
        ([], "at least two runs. Received: 0"),
        ([good], "at least two runs. Received: 1"),
        ([good, good.path / ".." / "good"], "given more than once"),
        ([good, renamed], "are of different data, with different classes .*dog, frog against .*dog, horse"),
        ([good, elsewhere], "different images .*'test-00000'"),
        ([good, fewer], r"different images \(6 and 5; 'test-00005'"),
        ([good, relabelled], "different labels"),
        ([good, broken], "cannot read predictions"),
        ([good, tmp_path / "nowhere"], "no run at"),
        ([empty_one, empty_two], "no test images"),
    ]:
        with pytest.raises(CifarlabError, match=expected):
            compare(given)
    with pytest.raises(
        CifarlabError,
        match=r"good has no predictions on validation \(expected .*: run cifarlab evaluate .*good --split validation",
    ):
        compare([good, fewer], split="validation")


@pytest.mark.parametrize(
    ("table", "low", "high"),
    [
        ((36, 12, 2, 0), 0.0569, 0.3404),  # Newcombe 1998, table II
        ((59, 6, 16, 80), -0.1186, -0.0046),  # R package contingencytables, data of Cavo et al. 2012
    ],
)
def test_newcombes_interval_is_the_published_one(table: tuple[int, int, int, int], low: float, high: float) -> None:
    found = paired_difference(*table)
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


def test_newcombes_interval_mirrors_when_the_runs_are_swapped() -> None:
    one, other = paired_difference(50, 9, 3, 40), paired_difference(50, 3, 9, 40)
    assert (one.value, one.low, one.high) == pytest.approx((-other.value, -other.high, -other.low))  # type: ignore[operator]


def test_agreement_narrows_the_interval() -> None:
    paired = paired_difference(700, 25, 15, 260)
    low, high = wilson_limits(725, 1000)
    assert paired.high - paired.low < high - low  # type: ignore[operator]


def test_mcnemar_by_hand() -> None:
    assert mcnemar(0, 0) == 1.0
    assert mcnemar(5, 0) == pytest.approx(2 * 0.5**5)
    assert mcnemar(1, 4) == mcnemar(4, 1) == pytest.approx(2 * (1 + 5) / 32)


def test_numbers_are_written_as_they_are_read(tmp_path: Path) -> None:
    assert [show_p(p) for p in (1e-9, 0.00312, 0.0421, 0.4349, 1.0)] == [
        "< 0.0001", "= 0.0031", "= 0.0421", "= 0.43", "= 1.00",
    ]  # fmt: skip
    one, two = make_run(tmp_path, "one-1", [True, False, False]), make_run(tmp_path, "two-2", [False, True, True])
    sentence = compare([one, two]).pairs[0].sentence
    assert "one-1 and two-2 apart" in sentence
    assert "difference is \N{MINUS SIGN}33.33 percentage points" in sentence
    assert "McNemar p = 1.00)" in sentence


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.5]) == [1.0, 1.0]
    assert holm([0.2]) == [0.2]
    assert holm([]) == []


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """Another model's answers to the images of `make_run`, with two more mistakes than all right."""
    labels = np.arange(10) % 3
    predicted = np.where(np.arange(10) < 2, (labels + 1) % 3, labels)
    chances = 0.1 + 0.7 * np.eye(3)[predicted]
    rows = [f"{index}," + ",".join(f"{value:.1f}" for value in row) for index, row in enumerate(chances)]
    (tmp_path / "theirs.csv").write_text("\n".join([",cat,dog,frog", *rows]))
    np.save(tmp_path / "labels.npy", labels)
    return tmp_path / "theirs.csv"


def test_a_file_of_predictions_is_compared_like_a_run(tmp_path: Path, theirs: Path) -> None:
    run = make_run(tmp_path, "mine", [True] * 9 + [False])
    result = compare([run, theirs], labels=tmp_path / "labels.npy")
    (pair,) = result.pairs
    assert [each.run for each in result.runs] == ["mine", "theirs.csv"]
    assert (pair.only_first_right, pair.only_second_right) == (("test-00000", "test-00001"), ("test-00009",))
    assert any("matched by order" in notice for notice in result.notices)
    with pytest.raises(CifarlabError, match="holds no labels: give them with --labels"):
        compare([run, theirs])
    with pytest.raises(CifarlabError, match="--labels belongs to files of predictions"):
        compare([run, make_run(tmp_path, "other", [True] * 10)], labels=tmp_path / "labels.npy")


def test_a_folder_of_evaluate_is_compared_like_a_run(tmp_path: Path, theirs: Path) -> None:
    evaluate_files(theirs, tmp_path / "labels.npy", output=tmp_path / "out" / "theirs")
    (tmp_path / "hard.txt").write_text("\n".join(str(index % 3) for index in range(10)))
    evaluate_files(tmp_path / "hard.txt", tmp_path / "labels.npy", output=tmp_path / "out" / "hard")
    (pair,) = compare([tmp_path / "out" / "hard", tmp_path / "out" / "theirs"]).pairs
    assert (pair.first, pair.second) == ("hard", "theirs")
    assert (pair.both_right, pair.only_first_right_count, pair.only_second_right_count) == (8, 2, 0)


def test_ids_and_classes_in_another_order_are_brought_into_one(tmp_path: Path) -> None:
    right = [True, False, True, True, False, True]
    run = make_run(tmp_path, "mine", right)
    stored = Predictions.load(run.stored_predictions_file("test"))
    order, places = np.array([3, 1, 5, 0, 2, 4]), [2, 0, 1]
    names = [NAMES[place] for place in places]
    rows = [[stored.ids[row], *stored.logits[row, places], NAMES[stored.labels[row]]] for row in order]
    lines = [",".join(map(str, row)) for row in [["id", *(f"logit_{name}" for name in names), "label"], *rows]]
    (tmp_path / "theirs.csv").write_text("\n".join(lines))
    result = compare([run, tmp_path / "theirs.csv"])
    assert result.pairs[0].both_right == 4
    assert result.pairs[0].both_wrong == 2
    assert not any("order" in notice for notice in result.notices)


def test_rows_whose_labels_differ_are_refused(tmp_path: Path, theirs: Path) -> None:
    run = make_run(tmp_path, "mine", [True] * 10)
    np.save(tmp_path / "labels.npy", (np.arange(10) + 1) % 3)
    with pytest.raises(CifarlabError, match=r"different labels .10 images.*not both have ids: give both ids"):
        compare([run, theirs], labels=tmp_path / "labels.npy")
    with pytest.raises(CifarlabError, match="evaluated on different images"):
        compare([make_run(tmp_path, "few", [True] * 9), theirs], labels=tmp_path / "labels.npy")
    with pytest.raises(CifarlabError, match="is given more than once"):
        compare([theirs, theirs], labels=tmp_path / "labels.npy")
    with pytest.raises(CifarlabError, match=r"no file .*none.csv"):
        compare([run, tmp_path / "none.csv"])
