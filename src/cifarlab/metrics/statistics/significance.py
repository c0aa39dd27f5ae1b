"""The tests and intervals that a comparison rests on, each from plain numbers."""

import math
from collections.abc import Sequence

import numpy as np
from scipy import special  # and not `stats`, whose import every comparison would wait for

from cifarlab.metrics.statistics.intervals import CONFIDENCE, Interval, wilson_limits
from cifarlab.utils.arrays import Array
from cifarlab.utils.result_tables import as_p_value

MOST_SPLITS = 20_000
POWER = 0.8
SIGNIFICANCE = 0.05
_SEED = 0


def mcnemar(b: int, c: int) -> float:
    """Exact McNemar test: how surprising b against c would be if both runs were equally accurate.

    Args:
        b: Images that only the first run got right.
        c: Images that only the second run got right.

    Returns:
        Two-sided p value; 1 where the runs never disagree.
    """
    # Both tails are alike where both ways are as probable; the middle of an even number would be counted twice.
    return min(1.0, 2 * float(special.bdtr(min(b, c), b + c, 0.5)))


def paired_difference(both: int, b: int, c: int, neither: int) -> Interval:
    """Difference of two accuracies measured on the same images, first minus second.

    Args:
        both: Images that both got right.
        b: Images that only the first got right.
        c: Images that only the second got right.
        neither: Images that both got wrong.

    Source: Newcombe 1998, Statistics in Medicine 17:2635, method 10: a square-and-add of both Wilson intervals with a
        continuity-corrected correlation; sound where the difference is 0 or there are few images.
    """
    # Both runs saw the same images, so their accuracies rise and fall together: the interval of a difference of two
    # independent proportions would be far too wide. This one and McNemar's test rest on b and c, where they differ.
    n = both + b + c + neither
    first, second = (both + b) / n, (both + c) / n
    (first_low, first_high), (second_low, second_high) = wilson_limits(both + b, n), wilson_limits(both + c, n)
    phi = _correlation(both, b, c, neither)
    below = _square_and_add(first - first_low, second_high - second, phi)
    above = _square_and_add(first_high - first, second - second_low, phi)
    difference = (b - c) / n
    return Interval(difference, difference - below, difference + above, "Newcombe 95 %, paired")


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p values for their number, by Holm's step-down method, which holds for tests of any dependence."""
    adjusted, highest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda index: p_values[index])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = highest
    return adjusted


def show_p(value: float) -> str:
    """A p value with its sign, as it stands after a "p": `< 0.0001`, `= 0.0312`, `= 0.43`, `= 1.00`."""
    shown = as_p_value(value)
    return shown if shown.startswith("<") else f"= {shown}"


def images_needed(b: int, c: int, count: int, pairs: int = 1) -> int | None:
    """How many images it would take to see the difference found, if it is the true one.

    Args:
        b: Images that only the first run got right.
        c: Images that only the second run got right.
        count: Images in all.
        pairs: How many pairs the p value is adjusted for.

    Returns:
        The number for which McNemar's test finds it at 5 %, divided by the pairs, with a chance of 80 %; None where
        there is no difference.

    Source: Connor 1987, Biometrics 43:207.
    """
    if b == c:
        return None
    discordant, difference = (b + c) / count, abs(b - c) / count
    reach = float(special.ndtri(1 - SIGNIFICANCE / pairs / 2)) * math.sqrt(discordant)
    reach += float(special.ndtri(POWER)) * math.sqrt(discordant - difference**2)
    return math.ceil((reach / difference) ** 2)


def permutation_test(first: Sequence[float], second: Sequence[float]) -> tuple[float, str]:
    """How surprising the difference of two groups' means would be if the groups were one, dealt out by chance.

    All ways to deal are counted where there are at most 20,000, else 20,000 of them drawn with a fixed seed.

    Args:
        first: Numbers of one group.
        second: Numbers of the other.

    Returns:
        Two-sided p value, and what was done, for people.

    Source: Fisher 1935, The Design of Experiments, section 21; for drawn permutations Phipson and Smyth 2010,
        Statistical Applications in Genetics and Molecular Biology 9:39.
    """

    def gap(one: Array, other: Array, axis: int) -> Array:
        # Rounded, so that splits with the same difference are equal: rounding errors must not lose the one found.
        return np.asarray(np.round(np.abs(one.mean(axis=axis) - other.mean(axis=axis)), 12))

    # The two-sided p value of SciPy doubles the smaller tail, which is another number where group sizes differ. Of the
    # absolute difference one tail is both.
    random, splits = np.random.default_rng(_SEED), math.comb(len(first) + len(second), len(first))
    from scipy import stats

    test = stats.permutation_test(
        (first, second), gap, n_resamples=MOST_SPLITS, alternative="greater", vectorized=True, random_state=random
    )
    how = f"exact permutation test, {splits:,}" if splits <= MOST_SPLITS else f"permutation test, {MOST_SPLITS:,} drawn"
    return float(test.pvalue), f"{how} splits"


def least_p_value(first: int, second: int) -> float:
    """The smallest p value that `permutation_test` can give to groups of these sizes."""
    return (2 if first == second else 1) / math.comb(first + second, first)


def welch_difference(first: Sequence[float], second: Sequence[float]) -> Interval:
    """Difference of two groups' means, first minus second, with Welch's t interval for groups of unlike spread.

    Args:
        first: At least two numbers.
        second: At least two numbers.

    Source: Welch 1947, Biometrika 34:28.
    """
    difference = float(np.mean(first) - np.mean(second))
    if max(np.ptp(first), np.ptp(second)) < 1e-12:
        return Interval(difference, None, None, "no interval: neither group varies")
    parts = [float(np.var(group, ddof=1)) / len(group) for group in (first, second)]
    freedom = sum(parts) ** 2 / sum(
        part**2 / (len(group) - 1) for part, group in zip(parts, (first, second), strict=True)
    )
    reach = _t_reach(freedom, CONFIDENCE) * math.sqrt(sum(parts))
    return Interval(difference, difference - reach, difference + reach, "Welch's t 95 %")


def mean_difference(differences: Sequence[float]) -> Interval:
    """The mean of differences that were measured seed by seed, with Student's t interval.

    Args:
        differences: At least two numbers.

    Source: Student 1908, Biometrika 6:1.
    """
    count, value = len(differences), float(np.mean(differences))
    if np.ptp(differences) < 1e-12:
        return Interval(value, None, None, f"no interval: all {count} seeds differ by the same")
    reach = _t_reach(count - 1, CONFIDENCE) * float(np.std(differences, ddof=1)) / math.sqrt(count)
    return Interval(value, value - reach, value + reach, f"Student's t 95 %, {count} seeds")


def t_test(differences: Sequence[float]) -> float:
    """Two-sided p value of differences whose mean is 0, by Student's t; at least two numbers, not all the same."""
    error = float(np.std(differences, ddof=1)) / math.sqrt(len(differences))
    return 2 * float(special.stdtr(len(differences) - 1, -abs(float(np.mean(differences))) / error))


def crossed_difference(differences: Array, confidence: float = CONFIDENCE) -> tuple[Interval, float]:
    """The mean of differences measured with several trainings on the same images, for new trainings and new images.

    Both the trainings and the images are samples. The variance of the mean is that between images, plus that between
    trainings, less what both hold of the rest; its degrees of freedom are Satterthwaite's.

    Args:
        differences: `(S, N)` float: a row a pair of trainings, a column an image.
        confidence: Of the interval.

    Returns:
        The mean with its interval, and the two-sided p value of no difference; 1 where nothing differs.

    Source: Satterthwaite 1946, Biometrics Bulletin 2:110; the crossed design as in Owen 2007, The pigeonhole bootstrap,
        arXiv:0712.1111.
    """
    seeds, images = differences.shape
    value = float(differences.mean())
    of_images, of_seeds = differences.mean(axis=0), differences.mean(axis=1)  # (N,), (S,)
    parts = [(float(np.var(of_images, ddof=1)) / images, images - 1)]
    if seeds > 1:
        parts.append((float(np.var(of_seeds, ddof=1)) / seeds, seeds - 1))
    variances = [variance for variance, _ in parts]
    variance = sum(variances)
    if seeds > 1:
        rest = differences - of_images - of_seeds[:, np.newaxis] + value
        both = float(np.sum(rest**2)) / ((seeds - 1) * (images - 1)) / (seeds * images)
        variance = max(variance - both, *variances)
    if variance < 1e-18:
        return Interval(value, None, None, "no interval: nothing varies"), float(abs(value) < 1e-12)
    freedom = variance**2 / sum(part**2 / degrees for part, degrees in parts)
    error = math.sqrt(variance)
    reach = _t_reach(freedom, confidence) * error
    p_value = 2 * float(special.stdtr(freedom, -abs(value) / error))
    method = f"t {100 * confidence:.4g} %, {seeds} seeds x {images} images"
    return Interval(value, value - reach, value + reach, method), p_value


def seeds_needed(first: Sequence[float], second: Sequence[float], pairs: int = 1) -> int | None:
    """How many seeds of each group it would take to see the difference found, at 5 % with a chance of 80 %.

    Where p values are adjusted for several pairs of groups, at 5 % divided by these. From the normal approximation, at
    least 4: fewer seeds a group allow no p value under 5 %. None where the means do not differ, or the seeds of a group
    do not, which tells nothing of their spread.
    """
    difference = abs(float(np.mean(first) - np.mean(second)))
    spread = float(np.var(first, ddof=1) + np.var(second, ddof=1))
    if difference < 1e-12 or spread < 1e-24:
        return None
    reach = float(special.ndtri(1 - SIGNIFICANCE / pairs / 2) + special.ndtri(POWER))
    return max(4, math.ceil(reach**2 * spread / difference**2))


def _square_and_add(mine: float, other: float, phi: float) -> float:
    return math.sqrt(max(0.0, mine**2 - 2 * phi * mine * other + other**2))


def _t_reach(freedom: float, confidence: float) -> float:
    """How many standard errors an interval reaches to either side, by Student's t."""
    return float(special.stdtrit(freedom, (1 + confidence) / 2))


def _correlation(both: int, b: int, c: int, neither: int) -> float:
    """Phi of the 2 x 2 table; a positive one is shrunk by n/2 in its numerator, as Newcombe's method 10 does."""
    margins = (both + b) * (c + neither) * (both + c) * (b + neither)
    if margins == 0:
        return 0.0
    excess = float(both * neither - b * c)
    if excess > 0:
        excess = max(0.0, excess - (both + b + c + neither) / 2)
    return excess / math.sqrt(margins)
