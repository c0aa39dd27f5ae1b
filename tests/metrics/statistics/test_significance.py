import numpy as np
import pytest
from scipy import stats

from cifarlab.metrics.statistics import significance


def test_crossed_difference_by_hand():
    """Two trainings, two images: means 0.5, between images 0.5 and 0.5, between trainings 1 and 0."""
    interval, p_value = significance.crossed_difference(np.array([[1.0, 1.0], [0.0, 0.0]]))
    assert interval.value == 0.5
    # Images do not differ, trainings by 1: variance 0.5 / 2, one degree of freedom, t = 0.5 / 0.5.
    assert p_value == pytest.approx(0.5)
    assert interval.high - 0.5 == pytest.approx(0.5 * 12.7062, abs=1e-4)


def test_crossed_difference_of_one_training_is_a_t_test_over_images():
    differences = np.random.default_rng(0).normal(0.1, 1.0, (1, 50))
    interval, p_value = significance.crossed_difference(differences)
    expected = stats.ttest_1samp(differences[0], 0)
    assert p_value == pytest.approx(expected.pvalue)
    assert interval.low == pytest.approx(expected.confidence_interval().low)


def test_crossed_difference_where_nothing_varies():
    assert significance.crossed_difference(np.zeros((3, 10)))[1] == 1.0
    interval, p_value = significance.crossed_difference(np.full((3, 10), 0.5))
    assert (interval.value, interval.low, p_value) == (0.5, None, 0.0)


@pytest.mark.parametrize("of_seeds", [0.0, 0.01, 0.03])
def test_crossed_difference_holds_the_truth_as_often_as_it_says(of_seeds):
    chance, hits = np.random.default_rng(0), 0
    for _ in range(400):
        images, seeds = chance.normal(0, 0.3, 300), chance.normal(0, of_seeds, (3, 1))
        interval, _ = significance.crossed_difference(images + seeds + chance.normal(0.02, 0.4, (3, 300)))
        hits += interval.low <= 0.02 <= interval.high
    assert 0.92 <= hits / 400 <= 1.0
