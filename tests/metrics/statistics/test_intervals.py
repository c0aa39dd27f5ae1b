import numpy as np
import pytest
from scipy import stats

from cifarlab.metrics.statistics import intervals


@pytest.mark.parametrize(
    ("successes", "n"), [(0, 1), (1, 1), (0, 10), (3, 7), (10, 10), (4910, 10_000), (9999, 10_000)]
)
def test_wilson_is_scipys(successes: int, n: int) -> None:
    expected = stats.binomtest(successes, n).proportion_ci(method="wilson")
    found = intervals.wilson(successes, n)
    assert found.value == successes / n
    assert found.low == pytest.approx(expected.low, abs=1e-12)
    assert found.high == pytest.approx(expected.high, abs=1e-12)


def test_nothing_out_of_nothing_is_undefined() -> None:
    found = intervals.wilson(0, 0, nothing="no image of this class")
    assert found == intervals.Interval(None, None, None, "undefined: no image of this class")


@pytest.mark.parametrize(("successes", "n"), [(-1, 5), (6, 5), (1, 0)])
def test_impossible_counts_are_refused(successes: int, n: int) -> None:
    with pytest.raises(ValueError, match="Received"):
        intervals.wilson(successes, n)


def test_mean_is_students_t() -> None:
    values = np.array([1.0, 2.0, 4.0, 8.0])
    low, high = stats.t.interval(0.95, 3, loc=values.mean(), scale=stats.sem(values))
    found = intervals.mean(values)
    assert (found.value, found.high) == pytest.approx((3.75, high))
    assert low < 0
    assert found.low == 0.0


def test_the_mean_of_few_numbers_is_honest() -> None:
    assert intervals.mean(np.array([])).value is None
    alone = intervals.mean(np.array([1.5]))
    assert (alone.value, alone.low, alone.high) == (1.5, None, None)


def test_one_proportion_averaged_is_itself() -> None:
    part = intervals.wilson(7, 9)
    found = intervals.mean_of_proportions(7 / 9, [part], 1)
    assert (found.low, found.high) == pytest.approx((part.low, part.high))


def test_averaging_narrows_the_interval_by_the_root_of_their_number() -> None:
    part = intervals.wilson(50, 100)
    found = intervals.mean_of_proportions(0.5, [part] * 4, 4)
    assert found.value is not None
    assert found.low is not None
    assert part.low is not None
    assert found.value - found.low == pytest.approx((0.5 - part.low) / 2)


def test_a_mean_is_cut_at_what_none_can_exceed() -> None:
    found = intervals.mean(np.array([0.0, 2.0]), highest=2.0)
    assert (found.value, found.low, found.high) == (1.0, 0.0, 2.0)


def test_a_bootstrap_of_a_proportion_gives_wilsons_interval() -> None:
    draws = np.array([0.3 - 0.02, 0.3 + 0.02])  # a standard error of 0.02, as of 0.3 among 525 images
    found = intervals.bootstrap_fraction(0.3, draws)
    expected = stats.binomtest(157, 525).proportion_ci(0.95, method="wilson")
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-3)
    wider = intervals.bootstrap_fraction(0.3, draws, inflation=4.0)
    assert wider.high - wider.low == pytest.approx(2 * (found.high - found.low), rel=0.03)  # type: ignore[operator]


def test_inverting_the_bootstrap_of_one_gap_is_the_normal_interval() -> None:
    noise = np.random.default_rng(0).normal(0, 0.01, size=(20_000, 1))
    found = intervals.bootstrap_norm(0.3, np.array([-0.3]), noise)
    assert (found.low, found.high) == pytest.approx((0.3 - 0.0196, 0.3 + 0.0196), abs=5e-4)


def test_what_noise_alone_explains_may_be_nothing() -> None:
    noise = np.random.default_rng(0).normal(0, 0.01, size=(2000, 15))
    direction = noise[0]
    found = intervals.bootstrap_norm(float(np.abs(direction).sum()), direction, noise)
    assert found.low == 0.0
    assert found.high >= found.value  # type: ignore[operator]
