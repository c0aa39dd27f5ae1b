"""Whether two numbers of the same images rise together: Pearson's and Spearman's correlation, with intervals."""

import numpy as np
from numpy.typing import NDArray

from cifarlab.metrics.statistics import intervals
from cifarlab.metrics.statistics.intervals import Interval

DRAWS = 1000
SEED = 0
_FEWEST = 3
_ROUNDING = 12  # decimals: numbers that differ by less are equal, and their order is no rank

Values = NDArray[np.float64]


def pearson(first: Values, second: Values) -> Interval:
    """Pearson's correlation, with a bootstrap interval: images drawn again, as the numbers need not be normal.

    Args:
        first: `(N,)`.
        second: `(N,)`.
    """
    from scipy import stats

    if undefined := _undefined(first, second):
        return undefined
    draws = [_weighted(first, second, weights) for weights in _resamples(len(first))]
    return _interval(float(stats.pearsonr(first, second).statistic), draws)


def spearman(first: Values, second: Values) -> Interval:
    """Spearman's rank correlation, equal numbers sharing their mean rank; each resample is ranked anew.

    Args:
        first: `(N,)`.
        second: `(N,)`.
    """
    from scipy import stats

    if undefined := _undefined(first, second):
        return undefined
    first, second = np.round(first, _ROUNDING), np.round(second, _ROUNDING)
    one, two = (np.unique(values, return_inverse=True)[1] for values in (first, second))  # order of each value
    draws = [_weighted(_ranks(one, weights), _ranks(two, weights), weights) for weights in _resamples(len(first))]
    return _interval(float(stats.spearmanr(first, second).statistic), draws)


def _undefined(first: Values, second: Values) -> Interval | None:
    if len(first) < _FEWEST:
        return intervals.undefined(f"fewer than {_FEWEST} images")
    if min(np.ptp(first), np.ptp(second)) < 10.0**-_ROUNDING:
        return intervals.undefined("one of the two is the same for all images")
    return None


def _resamples(count: int) -> list[Values]:
    """How often each image is drawn in each resample."""
    random = np.random.default_rng(SEED)
    return [np.bincount(random.integers(count, size=count), minlength=count).astype(float) for _ in range(DRAWS)]


def _ranks(order: NDArray[np.intp], weights: Values) -> Values:
    """Mean rank of each image's value where image n occurs `weights[n]` times."""
    times = np.bincount(order, weights=weights)  # (distinct values,)
    ranks: Values = (np.cumsum(times) - (times - 1) / 2)[order]
    return ranks


def _weighted(first: Values, second: Values, weights: Values) -> float:
    """Pearson's correlation where image n occurs `weights[n]` times; NaN where one of the two does not vary."""
    total = weights.sum()
    one, two = first - weights @ first / total, second - weights @ second / total
    product = (weights @ one**2) * (weights @ two**2)
    return float(weights @ (one * two) / np.sqrt(product)) if product > 0 else float("nan")


def _interval(value: float, draws: list[float]) -> Interval:
    varied = np.array([draw for draw in draws if not np.isnan(draw)])
    if len(varied) < DRAWS / 2:
        return Interval(value, None, None, "no interval: hardly any resample varies")
    low, high = np.quantile(varied, (0.025, 0.975))
    return Interval(value, min(float(low), value), max(float(high), value), f"bootstrap 95 %, {DRAWS} resamples")
