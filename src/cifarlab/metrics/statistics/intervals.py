"""Intervals: what a number may be, given that the images are a sample."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import special

from cifarlab.utils.results import Interval

__all__ = [
    "CONFIDENCE", "Interval", "bootstrap_fraction", "bootstrap_norm", "mean", "mean_of_proportions", "mean_over_folds",
    "mean_over_seeds", "share", "undefined", "wilson", "wilson_limits",
]  # fmt: skip

CONFIDENCE = 0.95


def undefined(reason: str) -> Interval:
    """No number at all, and why."""
    return Interval(None, None, None, f"undefined: {reason}")


def wilson(successes: int, n: int, nothing: str = "no images") -> Interval:
    """A proportion with its Wilson score interval, sound for small n and at 0 and 1.

    Args:
        successes: How often it happened, from 0 to n.
        n: Out of how many.
        nothing: What to say where n is 0 and the proportion undefined.

    Raises:
        ValueError: If `successes` is not in `[0, n]`.

    Source: Wilson 1927, Journal of the American Statistical Association 22:209.
    """
    if n == 0 and successes == 0:
        return undefined(nothing)
    low, high = wilson_limits(successes, n)
    return Interval(successes / n, low, high, "Wilson 95 %")


def wilson_limits(successes: int, n: int) -> tuple[float, float]:
    """The two limits of `wilson`, for n of at least 1.

    Written out: `scipy.stats.binomtest(...).proportion_ci(method="wilson")` gives the same and takes 200 times as long,
    and a robustness measurement or a gallery asks hundreds of times.
    """
    if not 0 <= successes <= n or n == 0:
        raise ValueError(f"expected 0 <= successes <= n, and n of at least 1. Received: {successes}, {n}")
    low, high = _wilson_formula(successes / n, n)
    return (0.0 if successes == 0 else low), (1.0 if successes == n else high)


def share(hits: NDArray[np.bool_]) -> Interval:
    """The share of True, with `wilson`'s interval.

    Args:
        hits: `(N,)` bool.

    Example:
        >>> share(np.array([True, True, False, True])).value
        0.75
    """
    return wilson(int(hits.sum()), len(hits))


def mean(values: NDArray[np.float64], highest: float = math.inf, what: str = "image") -> Interval:
    """The mean of numbers that cannot be negative, with Student's t interval, cut at 0.

    Thousands of losses have a mean that is close to normal however skewed they are, so that a bootstrap of them would
    cost time and give the same limits.

    Args:
        values: `(N,)` float64, at least 0.
        highest: What no mean can exceed; the interval is cut there too.
        what: What one value is of, to say where there is no interval: one value, or all the same, show no spread.

    Source: Student 1908, Biometrika 6:1.
    """
    if len(values) == 0:
        return undefined(f"no {what}s")
    value = float(values.mean())
    if len(values) == 1:
        return Interval(value, None, None, f"no interval from one {what}")
    if np.ptp(values) <= 1e-9 * value:  # a sample without spread, but for rounding, does not say that there is none
        return Interval(value, None, None, f"no interval: all {len(values):,} {what}s have the same value")
    error = float(values.std(ddof=1)) / math.sqrt(len(values))
    half = float(special.stdtrit(len(values) - 1, 0.5 + CONFIDENCE / 2)) * error
    return Interval(value, max(0.0, value - half), min(highest, value + half), "Student's t 95 %")


def mean_over_seeds(accuracies: Sequence[float]) -> Interval:
    """The mean accuracy of networks that differ in nothing but the seed, with Student's t interval, in `[0, 1]`."""
    return mean(np.array(accuracies, np.float64), highest=1.0, what="seed")


def mean_over_folds(accuracies: Sequence[float], ratio: float) -> Interval:
    """The mean accuracy over the folds of a cross-validation, with the corrected resampled t interval, in `[0, 1]`.

    Any two of K folds share `(K - 2) / (K - 1)` of their training images, so that their accuracies vary less than those
    of trainings on samples of their own: Student's variance of the mean, `s^2 / K`, becomes `s^2 (1 / K + ratio)`.

    Args:
        accuracies: One a fold.
        ratio: Images that a fold leaves out to those that it trains on: `1 / (K - 1)` for folds of equal size.

    Source: Nadeau and Bengio 2003, Machine Learning 52:239, doi:10.1023/A:1024068626366.
    """
    plain = mean(np.array(accuracies, np.float64), highest=1.0, what="fold")
    if plain.value is None or plain.low is None:
        return plain
    count = len(accuracies)
    error = float(np.std(accuracies, ddof=1)) * math.sqrt(1 / count + ratio)
    half = float(special.stdtrit(count - 1, 0.5 + CONFIDENCE / 2)) * error
    return Interval(
        plain.value, max(0.0, plain.value - half), min(1.0, plain.value + half), "corrected resampled t 95 %"
    )


def mean_of_proportions(value: float, parts: Sequence[Interval], count: int) -> Interval:
    """The interval of an average of independent proportions, made from each one's own (MOVER).

    Unlike a bootstrap it stays honest where a proportion is 0 or 1.

    Args:
        value: The average, over `count` classes.
        parts: The intervals of the proportions in it; classes that count as exactly 0 may be left out.
        count: How many classes the average is over.

    Source: Zou, Huang and Zhang 2009, Computational Statistics & Data Analysis 53:1080.
    """
    limits = np.array([(part.value, part.low, part.high) for part in parts if part.value is not None])
    below, above = np.zeros(2) if len(limits) == 0 else _distances(limits)
    low, high = max(0.0, value - below / count), min(1.0, value + above / count)
    return Interval(value, low, high, "MOVER from Wilson 95 % of each class")


def bootstrap_fraction(value: float, draws: NDArray[np.float64], inflation: float = 1.0) -> Interval:
    """A number between 0 and 1 with Wilson's interval for as many images as its bootstrap error speaks of.

    The resamples give the standard error; a proportion as large with that error would come from
    `value (1 - value) / error^2` images, and Wilson's formula for so many gives limits that keep to `[0, 1]` and stay
    sound near 1. The percentiles of the same resamples hold the true macro F1 too rarely: `benchmarks/coverage.py`
    measures both.

    Args:
        value: The statistic of the sample itself, in `(0, 1)`.
        draws: `(D,)` float64: the statistic of each resample, not all equal.
        inflation: How much larger the variance is than resampling within small classes shows.

    Source: Kott and Carr 1997, Journal of Official Statistics 13:65 (Wilson with an effective sample size).
    """
    effective = value * (1 - value) / (float(draws.var()) * inflation)
    low, high = _wilson_formula(value, effective)
    method = f"Wilson 95 % with the error of {len(draws)} bootstrap resamples by class"
    return Interval(value, low, high, method)


def bootstrap_norm(
    value: float, direction: NDArray[np.float64], noise: NDArray[np.float64], highest: float = math.inf
) -> Interval:
    """A sum of absolute deviations with the interval of all true sums that make the one found likely.

    Chance alone makes absolute values large: the sum is biased upwards, the more so the smaller the truth, and so are
    its bootstrap percentiles, which therefore miss the truth. This turns the question round: for every true sum t, the
    deviations are those found, scaled to t, and resampling's noise is added; the interval holds each t for which the
    value is neither among the smallest nor among the largest 2.5 % of what comes out. Where the value is so small that
    no t makes it likely, the upper limit is what noise can hide at most: the value and the noise's 97.5 % together.

    Args:
        value: The sum found: `abs(direction).sum()`.
        direction: `(B,)` float64, the deviations found.
        noise: `(D, B)` float64, what resampling adds to them.
        highest: What no such sum can exceed; the interval is cut there.

    Source: DiCiccio and Romano 1990, International Statistical Review 58:59 (limits by inverting a bootstrap test).
    """
    unit = direction / value if value > 0 else np.full(len(direction), 1 / len(direction))
    tail = (1 - CONFIDENCE) / 2
    most = value + float(np.abs(noise).sum(axis=1).max())
    low = _invert(value, unit, noise, 1 - tail, most)
    high = _invert(value, unit, noise, tail, most)
    if high <= value:
        high = value + float(np.quantile(np.abs(noise).sum(axis=1), 1 - tail))
    method = f"bootstrap 95 % by test inversion, {len(noise)} resamples by class"
    return Interval(value, min(low, value), min(highest, high), method)


def _invert(value: float, unit: NDArray[np.float64], noise: NDArray[np.float64], quantile: float, most: float) -> float:
    """The true sum t whose `quantile` of `sum |t unit + noise|` is `value`; 0 where t = 0 already gives more."""
    low, high = 0.0, most
    if np.quantile(np.abs(noise).sum(axis=1), quantile) >= value:
        return 0.0
    while high - low > 1e-6 * most:
        middle = (low + high) / 2
        if np.quantile(np.abs(middle * unit + noise).sum(axis=1), quantile) < value:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _distances(limits: NDArray[np.float64]) -> NDArray[np.float64]:
    value, low, high = limits.T
    result: NDArray[np.float64] = np.sqrt([np.sum((value - low) ** 2), np.sum((high - value) ** 2)])
    return result


def _wilson_formula(p: float, n: float) -> tuple[float, float]:
    """Wilson's limits also of an n that is no whole number, as an effective sample size is.

    They are the p0 for which the score test does not reject p: |p - p0| = z sqrt(p0 (1 - p0) / n). The normal interval
    around p itself would have no width at 0 and 1, where test accuracies end up, and hold far less than its 95 %.
    """
    z = float(special.ndtri(0.5 + CONFIDENCE / 2))
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)  # rounding may have gone beyond
