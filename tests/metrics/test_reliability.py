import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cifarlab import metrics
from cifarlab.metrics import _reliability
from cifarlab.metrics._reliability import assign, equal_mass_edges, equal_width_edges, gap_noise, judge, reliability
from cifarlab.runs.predictions import Predictions


def make(count: int = 500, num_classes: int = 10, skill: float = 1.0, seed: int = 0) -> Predictions:
    random = np.random.default_rng(seed)
    labels = random.integers(num_classes, size=count)
    logits = random.normal(size=(count, num_classes)).astype(np.float32)
    logits[np.arange(count), labels] += np.float32(skill)
    ids = np.array([f"test-{index:05d}" for index in range(count)], dtype=str)
    return Predictions(ids, labels, logits, tuple(f"class {k}" for k in range(num_classes)))


def slow_error(predictions: Predictions, edges: list[float]) -> float:
    """Calibration error image by image, as Guo et al. write it: bins (low, high], weighted by their size."""
    total = 0.0
    confidence, right = predictions.probabilities.max(axis=1), predictions.predicted == predictions.labels
    for low, high in itertools.pairwise(edges):
        inside = [index for index, value in enumerate(confidence) if low < value <= high]
        if inside:
            accuracy = sum(bool(right[index]) for index in inside) / len(inside)
            total += len(inside) / len(confidence) * abs(accuracy - sum(confidence[inside]) / len(inside))
    return total


@pytest.mark.parametrize("seed", range(5))
def test_both_errors_are_those_of_the_slow_definition(seed: int) -> None:
    predictions = make(317, 7, skill=seed / 2, seed=seed)
    found = metrics.measure("expected_calibration_error", predictions).value
    assert found == pytest.approx(slow_error(predictions, [index / 15 for index in range(16)]), abs=1e-12)
    ordered = sorted(predictions.probabilities.max(axis=1))
    edges = [0.0, *(ordered[-(-index * 317 // 15) - 1] for index in range(1, 15)), 1.0]
    found = metrics.measure("equal_mass_calibration_error", predictions).value
    assert found == pytest.approx(slow_error(predictions, edges), abs=1e-12)


def test_a_small_case_by_hand() -> None:
    # Two classes, confidence 0.8 four times (three right), 0.6 once (wrong): 4/5 |0.75 - 0.8| + 1/5 |0 - 0.6|.
    odds = np.log([4.0, 4.0, 4.0, 4.0, 1.5])
    logits = np.stack([odds, np.zeros(5)], axis=1).astype(np.float32)
    labels = np.array([0, 0, 0, 1, 1])
    predictions = Predictions(np.array(list("abcde")), labels, logits, ("cat", "dog"))
    assert metrics.measure("expected_calibration_error", predictions).value == pytest.approx(0.16, abs=1e-7)
    rows = reliability(predictions)
    assert [row.count for row in rows] == [1, 4]
    assert [row.accuracy.value for row in rows] == [0.0, 0.75]
    assert [row.confidence for row in rows] == pytest.approx([0.6, 0.8])


@pytest.mark.parametrize("bins", [1, 2, 15])
def test_equal_mass_bins_hold_equally_many(bins: int) -> None:
    confidence = np.random.default_rng(0).random(1003)
    counts = np.bincount(assign(confidence, equal_mass_edges(confidence, bins)))
    assert len(counts) == bins
    assert counts.max() - counts.min() <= 1


def test_equal_confidences_stay_in_one_bin() -> None:
    confidence = np.full(100, 0.7)
    assert len(set(assign(confidence, equal_mass_edges(confidence)).tolist())) == 1
    assert assign(np.array([0.0, 1 / 15, 1.0]), equal_width_edges()).tolist() == [0, 0, 14]


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 60), st.integers(2, 5), st.floats(-3, 8), st.integers(0, 1000))
def test_invariants(count: int, num_classes: int, skill: float, seed: int) -> None:
    predictions = make(count, num_classes, skill, seed)
    rows = reliability(predictions)
    assert sum(row.count for row in rows) == count
    assert all(row.low <= row.confidence <= row.high + 1e-12 for row in rows)
    for name in ("expected_calibration_error", "equal_mass_calibration_error", "brier_loss"):
        found = metrics.measure(name, predictions)
        assert found.value is not None
        if found.low is not None and found.high is not None:
            assert 0 <= found.low <= found.value <= found.high
    gap = abs(judge(predictions).confidence.mean() - predictions.correct.mean())
    value = metrics.measure("expected_calibration_error", predictions).value
    assert gap - 1e-12 <= value <= 1  # binning can only find more than the gap of the whole


def test_noise_is_what_drawing_the_images_one_by_one_gives() -> None:
    predictions = make(900, 4)
    judged = judge(predictions)
    bins = assign(judged.confidence, equal_width_edges())
    noise = gap_noise(judged, bins, 15)
    random, gap = np.random.default_rng(1), judged.confidence - judged.correct
    slow = []
    members = [np.flatnonzero(judged.labels == label) for label in range(4)]
    for _ in range(2000):
        drawn = np.concatenate([random.choice(own, len(own)) for own in members])
        slow.append(np.bincount(bins[drawn], gap[drawn], 15) / 900)
    many = np.bincount(bins, minlength=15) > 30
    assert noise.std(axis=0)[many] == pytest.approx(np.std(slow, axis=0)[many], rel=0.15)
    assert abs(noise.mean(axis=0)).max() < 1e-3


def test_certainty_is_not_believed_of_twenty_images() -> None:
    labels = np.arange(20) % 4
    logits = np.eye(4, dtype=np.float32)[labels] * 5
    predictions = Predictions(np.array([str(k) for k in range(20)]), labels, logits, tuple("abcd"))
    for name in ("expected_calibration_error", "equal_mass_calibration_error"):
        found = metrics.measure(name, predictions)
        assert found.high - found.low > 0.015  # type: ignore[operator]


def test_a_calibrated_model_may_have_no_error() -> None:
    random = np.random.default_rng(3)
    confidence = random.uniform(0.5, 1, 4000)
    judged = _reliability.Judged(confidence, random.random(4000) < confidence, np.arange(4000) % 10)
    found = _reliability.calibration_error(judged, equal_width_edges())
    assert found.low == 0.0
    assert 0 < found.value < 0.03  # type: ignore[operator]
