"""What a pixel-permutation test gives: accuracies, their difference, and a sentence about it."""

from dataclasses import dataclass

from cifarlab.metrics.statistics.intervals import Interval
from cifarlab.utils.text import rounded, signed


@dataclass(frozen=True)
class ShuffledComparison:
    """One recipe's accuracy with and without shuffled pixels, means over the seeds.

    Attributes:
        changed: What had to be changed in it for this test, for both.
        runs: Paths, one a seed.
        shuffled_runs: Paths, in the same order.
        chance: Accuracy of random guessing.
        difference: Shuffled minus not, paired: over images where there is one seed, else over seeds.
    """

    recipe: str
    data: str
    changed: tuple[str, ...]
    runs: list[str]
    shuffled_runs: list[str]
    count: int
    chance: float
    accuracy: Interval
    shuffled_accuracy: Interval
    difference: Interval
    sentence: str


@dataclass(frozen=True)
class PermutationTest:
    """Every recipe's comparison, in the order of `permutation.json`; `files` is what was written, and not in it."""

    format: int
    split: str
    seeds: int
    note: str
    recipes: list[ShuffledComparison]
    files: tuple[str, ...] = ()


def say_difference(recipe: str, difference: Interval) -> str:
    """The difference in a sentence that says no more than its interval allows."""
    assert difference.value is not None
    if difference.low is None or difference.high is None:
        gap = signed(100 * difference.value)
        same = f"Every seed of {recipe} differs by the same {gap} percentage points when all pixels are shuffled"
        return f"{same}: what others would differ by cannot be told."
    value, low, high = (100 * each for each in (difference.value, difference.low, difference.high))
    interval = f"95 % interval {signed(low)} to {signed(high)}"
    if high < 0:
        return (
            f"{recipe} loses {rounded(-value, 2)} percentage points when all pixels are shuffled ({interval}): it used "
            "which pixels are neighbours."
        )
    if low > 0:
        return f"{recipe} gains {rounded(value, 2)} percentage points when all pixels are shuffled ({interval})."
    return (
        f"Nothing shows that {recipe} loses anything when all pixels are shuffled: the difference is {signed(value)} "
        f"percentage points ({interval})."
    )
