import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cifarlab.metrics import measure, risk_coverage
from cifarlab.records import Predictions


def answered(confidence: list[float], right: list[bool]) -> Predictions:
    """Two classes, always the first named, with the given confidence above one half."""
    odds = np.log(np.array(confidence) / (1 - np.array(confidence)))
    logits = np.stack([odds, np.zeros(len(odds))], axis=1).astype(np.float32)
    ids = np.array([f"test-{index:05d}" for index in range(len(odds))], dtype=str)
    return Predictions(ids, np.where(right, 0, 1).astype(np.int64), logits, ("cat", "dog"))


def test_a_small_case_by_hand() -> None:
    found = risk_coverage(answered([0.9, 0.6, 0.8, 0.7], [True, False, False, True]))
    assert found["coverage"] == [0.25, 0.5, 0.75, 1.0]
    assert found["risk"] == pytest.approx([0, 1 / 2, 1 / 3, 2 / 4])
    assert found["area"]["value"] == pytest.approx((0 + 1 / 2 + 1 / 3 + 1 / 2) / 4, abs=1e-12)
    assert found["best_area"] == pytest.approx((0 + 0 + 1 / 3 + 1 / 2) / 4, abs=1e-12)
    assert found["points"][0]["count"] == 2
    assert found["points"][0]["risk"]["value"] == 0.5


def test_equal_confidences_count_alike() -> None:
    one = risk_coverage(answered([0.8] * 4, [True, False, False, True]))
    other = risk_coverage(answered([0.8] * 4, [False, True, True, False]))
    assert one == other
    assert one["risk"] == pytest.approx([0.5] * 4)
    assert one["points"][0]["count"] == 4


def test_its_interval_is_what_a_bootstrap_gives() -> None:
    random = np.random.default_rng(0)
    confidence = random.uniform(0.5, 0.99, 600)
    right = random.random(600) < confidence
    draws = []
    for _ in range(300):
        rows = random.integers(600, size=600)
        order = rows[np.argsort(-confidence[rows], kind="stable")]
        draws.append((np.cumsum(~right[order]) / np.arange(1, 601)).mean())
    area = risk_coverage(answered(confidence.tolist(), right.tolist()))["area"]
    assert (area["high"] - area["low"]) / (2 * 1.96) == pytest.approx(np.std(draws), rel=0.12)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.floats(0.51, 0.99), st.booleans()), min_size=1, max_size=40))
def test_invariants(rows: list[tuple[float, bool]]) -> None:
    confidence, right = zip(*rows, strict=True)
    found = risk_coverage(answered(list(confidence), list(right)))
    assert found["risk"][-1] == pytest.approx(1 - np.mean(right))
    assert found["best_area"] - 1e-12 <= found["area"]["value"] <= 1
    assert found["coverage"] == sorted(found["coverage"])
    assert found["coverage"][-1] == 1
    assert all(point["count"] >= np.ceil(0.5 * len(rows)) for point in found["points"])


def test_the_area_is_a_metric_like_any_other() -> None:
    predictions = answered([0.9, 0.6, 0.8, 0.7, 0.7], [True, False, False, True, False])
    assert measure("area_under_risk_coverage", predictions).as_dict() == risk_coverage(predictions)["area"]
