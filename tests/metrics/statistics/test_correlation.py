"""Correlations against SciPy's, and their bootstrap against other ways to the same interval."""

import numpy as np
import pytest
from scipy import stats

from cifarlab.metrics.statistics.correlation import pearson, spearman


@pytest.fixture
def pair():
    random = np.random.default_rng(0)
    first = random.normal(size=400)
    return first, 0.5 * first + random.normal(size=400)


def test_pearson_of_normal_numbers_has_fishers_interval(pair):
    found, wanted = pearson(*pair), stats.pearsonr(*pair)
    assert found.value == pytest.approx(wanted.statistic)
    limits = wanted.confidence_interval()
    assert (found.low, found.high) == pytest.approx((limits.low, limits.high), abs=0.02)


def test_spearman_with_ties_is_scipys_bootstrap(pair):
    first, second = (np.round(each, 1) for each in pair)
    found = spearman(first, second)
    assert found.value == pytest.approx(stats.spearmanr(first, second).statistic)
    drawn = stats.bootstrap(
        (first, second), lambda one, two: stats.spearmanr(one, two).statistic, paired=True, vectorized=False,
        n_resamples=1000, method="percentile", rng=np.random.default_rng(1),
    )  # fmt: skip
    limits = drawn.confidence_interval
    assert (found.low, found.high) == pytest.approx((limits.low, limits.high), abs=0.015)


def test_ranks_do_not_care_for_the_scale(pair):
    first, second = pair
    assert spearman(np.exp(first), second) == spearman(first, second)


@pytest.mark.parametrize("function", [pearson, spearman])
def test_what_does_not_vary_has_no_correlation(function):
    assert function(np.ones(10), np.arange(10.0)).value is None
    assert function(np.arange(2.0), np.arange(2.0)).value is None
    alone = np.zeros(40)
    alone[0] = 1  # a third of all resamples leave it out
    assert function(alone, np.arange(40.0)).low is not None
