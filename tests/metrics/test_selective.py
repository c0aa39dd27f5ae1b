import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from cifarlab.metrics import measure, risk_coverage
from cifarlab.runs.predictions import Predictions


def answered(confidence: list[float], right: list[bool]) -> Predictions:
    """Two classes, always the first named, with the given confidence above one half."""
    odds = np.log(np.array(confidence) / (1 - np.array(confidence)))
    logits = np.stack([odds, np.zeros(len(odds))], axis=1).astype(np.float32)
    ids = np.array([f"test-{index:05d}" for index in range(len(odds))], dtype=str)
    return Predictions(ids, np.where(right, 0, 1).astype(np.int64), logits, ("cat", "dog"))


def test_a_small_case_by_hand() -> None:
    found = risk_coverage(answered([0.9, 0.6, 0.8, 0.7], [True, False, False, True]))
    assert found.coverage == (0.25, 0.5, 0.75, 1.0)
    assert found.risk == pytest.approx([0, 1 / 2, 1 / 3, 2 / 4])
    assert found.area.value == pytest.approx((0 + 1 / 2 + 1 / 3 + 1 / 2) / 4, abs=1e-12)
    assert found.best_area == pytest.approx((0 + 0 + 1 / 3 + 1 / 2) / 4, abs=1e-12)
    assert found.points[0].count == 2
    assert found.points[0].risk.value == 0.5


def test_equal_confidences_count_alike() -> None:
    one = risk_coverage(answered([0.8] * 4, [True, False, False, True]))
    other = risk_coverage(answered([0.8] * 4, [False, True, True, False]))
    assert one == other
    assert one.risk == pytest.approx([0.5] * 4)
    assert one.points[0].count == 4


def test_its_interval_is_what_a_bootstrap_gives() -> None:
    random = np.random.default_rng(0)
    confidence = random.uniform(0.5, 0.99, 600)
    right = random.random(600) < confidence
    draws = []
    for _ in range(300):
        rows = random.integers(600, size=600)
        order = rows[np.argsort(-confidence[rows], kind="stable")]
        draws.append((np.cumsum(~right[order]) / np.arange(1, 601)).mean())
    area = risk_coverage(answered(confidence.tolist(), right.tolist())).area
    assert (area.high - area.low) / (2 * 1.96) == pytest.approx(np.std(draws), rel=0.12)


def test_without_a_mistake_the_interval_reaches_to_the_worst_that_the_images_allow() -> None:
    count = 200
    right = answered(np.linspace(0.6, 0.99, count).tolist(), [True] * count)
    found = measure("area_under_risk_coverage", right)
    assert (found.value, found.low) == (0.0, 0.0)
    risk = 1.959963984540054**2 / (count + 1.959963984540054**2)  # Wilson's upper limit of no mistakes
    coverage = (np.arange(1_000_000) + 0.5) / 1_000_000
    assert found.high == pytest.approx((np.minimum(coverage, risk) / coverage).mean(), abs=1e-5)
    # Of a model as bad as that, 200 images without a mistake are what at most 2.5 % of the draws give.
    assert (1 - risk) ** count < 0.025
    wrong = measure("area_under_risk_coverage", answered([0.6, 0.7, 0.9] * 10, [False] * 30))
    assert wrong.value == wrong.high == 1.0
    assert wrong.low == pytest.approx(1 - measure("area_under_risk_coverage", answered([0.6] * 30, [True] * 30)).high)


def test_images_of_one_confidence_have_the_interval_of_their_accuracy() -> None:
    right = [True] * 70 + [False] * 30
    found = measure("area_under_risk_coverage", answered([0.8] * 100, right))
    half = stats.t.ppf(0.975, 99) * np.std(right, ddof=1) / 10
    assert (found.value, found.low, found.high) == pytest.approx((0.3, 0.3 - half, 0.3 + half))


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.floats(0.51, 0.99), st.booleans()), min_size=1, max_size=40))
def test_invariants(rows: list[tuple[float, bool]]) -> None:
    confidence, right = zip(*rows, strict=True)
    found = risk_coverage(answered(list(confidence), list(right)))
    assert found.risk[-1] == pytest.approx(1 - np.mean(right))
    assert found.best_area - 1e-12 <= found.area.value <= 1
    assert list(found.coverage) == sorted(found.coverage)
    assert found.coverage[-1] == 1
    area = found.area
    assert len(rows) == 1 or area.low < area.high
    assert len(rows) == 1 or area.low <= area.value <= area.high
    assert all(point.count >= np.ceil(0.5 * len(rows)) for point in found.points)


def test_the_area_is_a_metric_like_any_other() -> None:
    predictions = answered([0.9, 0.6, 0.8, 0.7, 0.7], [True, False, False, True, False])
    assert measure("area_under_risk_coverage", predictions) == risk_coverage(predictions).area
