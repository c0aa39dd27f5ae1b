"""The contract of every metric: what holds for all of them, found by their files."""

import json
import time
import warnings

import numpy as np
import pytest
from sklearn import metrics as sk

from cifarlab import metrics
from cifarlab.metrics.statistics.intervals import Interval
from cifarlab.runs.predictions import Predictions
from cifarlab.utils import discovery
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.json_data import json_data
from cifarlab.utils.json_reading import from_json

NAMES = metrics.names()


def make(count: int = 300, num_classes: int = 10, skill: float = 1.0, seed: int = 0) -> Predictions:
    random = np.random.default_rng(seed)
    labels = random.integers(num_classes, size=count)
    logits = random.normal(size=(count, num_classes)).astype(np.float32)
    logits[np.arange(count), labels] += np.float32(skill)
    return named(labels, logits)


def named(labels: np.ndarray, logits: np.ndarray) -> Predictions:
    ids = np.array([f"test-{index:05d}" for index in range(len(labels))], dtype=str)
    names = tuple(f"class {k}" for k in range(logits.shape[1]))
    return Predictions(ids, labels.astype(np.int64), logits.astype(np.float32), names)


def answered(labels: list[int], predicted: list[int], num_classes: int) -> Predictions:
    return named(np.array(labels, np.int64), np.eye(num_classes, dtype=np.float32)[predicted] * 5)


CASES = {
    "ten classes": make(),
    "hundred classes, some without images": make(150, 100),
    "two classes": make(40, 2),
    "one image": make(1, 3),
    "all right": answered([0, 1, 2, 3] * 5, [0, 1, 2, 3] * 5, 4),
    "all wrong": answered([0, 1, 2, 3] * 5, [1, 2, 3, 0] * 5, 4),
    "always the same answer": answered([0, 1, 2, 3] * 5, [2] * 20, 4),
    "one class only": answered([1] * 6, [1] * 6, 4),
    "a single confident hit each": answered([0, 0, 1, 1, 2, 2], [0, 1, 1, 2, 2, 0], 4),
}


def numbers(interval: Interval) -> tuple[float, float, float]:
    assert interval.value is not None
    assert interval.low is not None
    assert interval.high is not None
    return interval.value, interval.low, interval.high


def test_every_metric_is_found_and_its_name_says_which_way_is_better() -> None:
    assert {"accuracy", "macro_f1", "macro_precision", "macro_recall", "top3_accuracy"} < set(NAMES)
    assert all(isinstance(discovery.load("metrics", name).NEEDS_PROBABILITIES, bool) for name in NAMES)
    for name in NAMES:
        lower = name.endswith(("_error", "_loss", "_likelihood", "_coverage"))
        right, wrong = (metrics.measure(name, CASES[case]).value for case in ("all right", "all wrong"))
        assert right is not None
        assert wrong is not None
        assert right < wrong if lower else right >= wrong


def test_plain_arrays_are_measured_as_predictions_are() -> None:
    predictions = CASES["ten classes"]
    labels, logits = predictions.labels, predictions.logits
    for name in NAMES:
        expected = metrics.measure(name, predictions)
        assert metrics.measure(name, labels[:, None].tolist(), logits) == expected
        found = metrics.measure(name, labels, probabilities=predictions.probabilities)
        assert found.value == pytest.approx(expected.value, abs=1e-6)
    assert metrics.score(labels, logits) == metrics.score(Predictions.of(labels, logits))
    assert metrics.measure("accuracy", labels, predictions.predicted) == metrics.measure("accuracy", predictions)
    assert metrics.measure("brier_loss", labels, predictions.predicted).method == "undefined: needs probabilities"
    assert metrics.measure("accuracy", np.zeros(0, int), np.zeros((0, 3))).method == "undefined: no images"


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", NAMES)
def test_the_value_lies_in_its_interval(name: str, case: str) -> None:
    found = metrics.measure(name, CASES[case])
    assert found.method
    same = {"one image", "all right", "all wrong", "one class only"}  # every image has the same loss
    if case in same and name in ("negative_log_likelihood", "brier_loss"):
        assert found.low is None
        return
    if name == "top3_accuracy" and len(CASES[case].class_names) <= 3:
        assert found.value is None
        return
    if case == "one image" and name == "area_under_risk_coverage":
        assert found.low is None
        return
    value, low, high = numbers(found)
    assert low <= value <= high


TINY = {
    f"{count} images of {num_classes} classes, {outcome}, sure by {sure}": (count, num_classes, outcome, sure)
    for count in (1, 2, 3, 4, 12, 40)
    for num_classes in (2, 3, 10)
    for outcome in ("all right", "all wrong", "one wrong", "one right", "one class")
    for sure in (0.0, 1.0, 50.0)
}


def tiny(count: int, num_classes: int, outcome: str, sure: float) -> Predictions:
    labels = np.zeros(count, np.int64) if outcome == "one class" else np.arange(count) % num_classes
    predicted = labels if outcome in ("all right", "one wrong", "one class") else (labels + 1) % num_classes
    if outcome in ("one wrong", "one right"):
        predicted = np.concatenate(
            [(predicted[:1] + (1 if outcome == "one wrong" else -1)) % num_classes, predicted[1:]]
        )
    return named(labels, sure * np.eye(num_classes)[predicted])


@pytest.mark.parametrize("name", NAMES)
def test_no_interval_leaves_the_range_of_its_metric(name: str) -> None:
    least, most = discovery.load("metrics", name).RANGE
    assert least < most
    for case, (count, num_classes, outcome, sure) in TINY.items():
        found = metrics.measure(name, tiny(count, num_classes, outcome, sure))
        assert (found.low is None) == (found.high is None), case
        for number in (found.value, found.low, found.high):
            assert number is None or least <= number <= most, f"{case}: {found}"
        if found.value is not None and found.low is not None and found.high is not None:
            assert found.low <= found.value <= found.high, f"{case}: {found}"
            assert found.low < found.high, f"{case}: {found} claims certainty"


@pytest.mark.parametrize("case", TINY)
def test_no_interval_of_a_class_or_a_bin_leaves_its_range(case: str) -> None:
    predictions = tiny(*TINY[case])
    classes = [getattr(row, key) for row in metrics.per_class(predictions) for key in ("precision", "recall", "f1")]
    risk = metrics.risk_coverage(predictions)
    bins = [row.accuracy for row in metrics.reliability(predictions)]
    for found in [*classes, *bins, risk.area, *(point.risk for point in risk.points)]:
        if found.low is not None:
            assert 0 <= found.low <= found.value <= found.high <= 1


@pytest.mark.parametrize(("right", "sure"), [(True, 12.0), (False, 0.5)])
def test_a_calibration_error_of_one_outcome_allows_for_the_other(right: bool, sure: float) -> None:
    # Wilson's upper limit for 0 of 4: z^2 / (4 + z^2) = 0.4899. The error is the one bin's gap.
    predictions = tiny(4, 2, "all right" if right else "all wrong", sure)
    confidence = 1 / (1 + np.exp(-sure))
    value = 1 - confidence if right else confidence
    for name in ("expected_calibration_error", "equal_mass_calibration_error"):
        found = numbers(metrics.measure(name, predictions))
        assert found == pytest.approx((value, max(0, value - 0.4899), min(1, value + 0.4899)), abs=1e-4)


@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
def test_balanced_accuracy_leaves_out_classes_without_images_and_macro_recall_does_not() -> None:
    predictions = answered([0, 0, 0, 1], [0, 0, 2, 1], 4)  # class 2 has no image and is predicted, class 3 neither
    assert metrics.measure("balanced_accuracy", predictions).value == pytest.approx((2 / 3 + 1) / 2)
    assert metrics.measure("macro_recall", predictions).value == pytest.approx((2 / 3 + 1 + 0) / 3)
    theirs = sk.balanced_accuracy_score(predictions.labels, predictions.predicted)
    assert metrics.measure("balanced_accuracy", predictions).value == pytest.approx(theirs)


@pytest.mark.parametrize("case", ["all right", "all wrong", "always the same answer"])
@pytest.mark.parametrize("name", ["accuracy", "balanced_accuracy", "macro_precision", "macro_recall", "macro_f1"])
def test_twenty_images_never_give_certainty(name: str, case: str) -> None:
    _, low, high = numbers(metrics.measure(name, CASES[case]))
    assert high - low > 0.01


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_the_images_does_not_matter(name: str) -> None:
    before = CASES["ten classes"]
    order = np.random.default_rng(1).permutation(len(before))
    after = Predictions(before.ids[order], before.labels[order], before.logits[order], before.class_names)
    assert numbers(metrics.measure(name, after)) == pytest.approx(numbers(metrics.measure(name, before)), abs=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_the_classes_does_not_matter(name: str) -> None:
    before = CASES["ten classes"]
    new_of_old = np.random.default_rng(2).permutation(10)
    names = tuple(np.array(before.class_names)[np.argsort(new_of_old)])
    logits = before.logits[:, np.argsort(new_of_old)]
    after = Predictions(before.ids, new_of_old[before.labels], logits, names)
    (value, *limits), (expected, *expected_limits) = (numbers(metrics.measure(name, each)) for each in (after, before))
    assert value == pytest.approx(expected, abs=1e-12)
    assert limits == pytest.approx(expected_limits, abs=0.01)  # a bootstrap draws the classes in another order


def test_values_are_scikit_learns() -> None:
    predictions = make(500, 7)
    labels, predicted, probabilities = predictions.labels, predictions.predicted, predictions.probabilities
    expected = {
        "accuracy": sk.accuracy_score(labels, predicted),
        "negative_log_likelihood": sk.log_loss(labels, probabilities),
        "brier_loss": sk.brier_score_loss(labels, probabilities, scale_by_half=False, labels=np.arange(7)),
        "top3_accuracy": sk.top_k_accuracy_score(labels, probabilities, k=3),
        "macro_precision": sk.precision_score(labels, predicted, average="macro"),
        "macro_recall": sk.balanced_accuracy_score(labels, predicted),
        "macro_f1": sk.f1_score(labels, predicted, average="macro"),
        "balanced_accuracy": sk.balanced_accuracy_score(labels, predicted),
    }
    found = {name: metrics.measure(name, predictions).value for name in expected}
    assert found == pytest.approx(expected, abs=1e-12)


def test_per_class_numbers_are_scikit_learns() -> None:
    predictions = make(500, 7)
    expected = sk.precision_recall_fscore_support(predictions.labels, predictions.predicted)
    rows = metrics.per_class(predictions)
    for column, values in zip(("precision", "recall", "f1"), expected, strict=False):
        found = [getattr(row, column) for row in rows]
        assert [each.value for each in found] == pytest.approx(values)
        assert all(each.low <= each.value <= each.high for each in found)
    assert [row.support for row in rows] == expected[3].tolist()
    assert [row.predicted for row in rows] == np.bincount(predictions.predicted).tolist()


def test_a_small_case_by_hand() -> None:
    #             true    a  a  a  b  b  c
    predictions = answered([0, 0, 0, 1, 1, 2], [0, 0, 1, 1, 0, 1], 3)
    assert metrics.confusion_matrix(predictions).tolist() == [[2, 1, 0], [1, 1, 0], [0, 1, 0]]
    found = metrics.score(predictions)
    assert found.accuracy == pytest.approx(3 / 6)
    assert found.scores["macro_precision"].value == pytest.approx((2 / 3 + 1 / 3 + 0) / 3)
    assert found.scores["macro_recall"].value == pytest.approx((2 / 3 + 1 / 2 + 0) / 3)
    assert found.scores["macro_f1"].value == pytest.approx((2 / 3 + 2 / 5 + 0) / 3)
    wrong, right = np.log(np.exp(5) + 2), np.log(np.exp(5) + 2) - 5
    assert found.loss == pytest.approx((wrong + right) / 2)
    c = found.per_class[2]
    assert (c.precision.value, c.recall.value, c.f1.value) == (None, 0.0, 0.0)
    assert c.precision.method == "undefined: no image was predicted as this class"


def test_a_class_that_never_occurs_is_undefined_and_not_averaged() -> None:
    found = metrics.score(answered([0, 1], [0, 1], 3))
    assert [getattr(found.per_class[2], name).value for name in ("precision", "recall", "f1")] == [None] * 3
    assert found.scores["macro_f1"].value == 1.0


def test_equal_logits_count_the_same_way_in_accuracy_and_top3() -> None:
    predictions = named(np.array([0, 1, 2, 3, 4]), np.zeros((5, 5)))
    assert metrics.measure("accuracy", predictions).value == pytest.approx(1 / 5)
    assert metrics.measure("top3_accuracy", predictions).value == pytest.approx(3 / 5)


@pytest.mark.parametrize("num_classes", [2, 3])
def test_top3_of_three_classes_says_nothing(num_classes: int) -> None:
    found = metrics.measure("top3_accuracy", make(20, num_classes))
    assert (found.value, found.low, found.high) == (None, None, None)
    assert "always be 100 %" in found.method


@pytest.mark.parametrize("case", CASES)
def test_scores_are_plain_json_without_nan(case: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = metrics.score(CASES[case])
    stored = json.loads(json.dumps(json_data(found), allow_nan=False))
    assert set(stored) == {
        "looks", "notices", "format", "count", "class_names", "accuracy", "loss", "scores", "per_class",
        "confusion_matrix",
    }  # fmt: skip
    assert from_json(metrics.Scores, stored) == found
    assert np.sum(found.confusion_matrix) == found.count == len(CASES[case])


def test_no_images_give_no_numbers() -> None:
    found = metrics.score(named(np.zeros(0), np.zeros((0, 10))))
    assert (found.count, found.accuracy, found.loss) == (0, None, None)
    assert all(row.f1.value is None for row in found.per_class)
    json.dumps(json_data(found), allow_nan=False)


def test_an_unknown_metric_is_answered_with_the_nearest() -> None:
    with pytest.raises(CifarlabError, match="did you mean macro_f1"):
        metrics.measure("macrof1", make(3))


def test_the_same_predictions_give_the_same_intervals() -> None:
    assert metrics.score(make()) == metrics.score(make())


def test_macro_f1_covers_the_truth() -> None:
    """Over many samples from a known confusion, about 95 % of the intervals hold the true macro F1."""
    random = np.random.default_rng(0)
    rows = np.array([[0.8, 0.1, 0.1], [0.3, 0.6, 0.1], [0.05, 0.15, 0.8]])
    hits, predicted = rows.diagonal(), rows.sum(axis=0)
    truth = float(np.mean(2 * hits / (1 + predicted)))
    labels = np.repeat(np.arange(3), 60)
    held = 0
    for _ in range(80):
        answers = [int(random.choice(3, p=rows[label])) for label in labels]
        _, low, high = numbers(metrics.measure("macro_f1", answered(labels.tolist(), answers, 3)))
        held += low <= truth <= high
    assert held >= 70


@pytest.mark.parametrize("each", [1, 2, 10, 1000])
def test_macro_f1_of_a_constant_model_is_known_as_well_as_its_accuracy(each: int) -> None:
    constant = answered(list(range(10)) * each, [3] * 10 * each, 10)
    value, low, high = numbers(metrics.measure("macro_f1", constant))
    _, lowest, highest = numbers(metrics.measure("accuracy", constant))
    assert value == pytest.approx(2 / 11 / 10)
    assert 0 <= low < value < high
    assert high - low < 1.25 * (highest - lowest)


def test_ten_thousand_images_are_scored_in_under_two_seconds() -> None:
    predictions = make(10_000)
    metrics.score(predictions)
    began = time.process_time()
    metrics.score(predictions)
    assert time.process_time() - began < 2
