"""A round of trials: how many begin, and at which epochs they are judged."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Round:
    """Trials that begin together.

    Attributes:
        size: How many.
        rungs: Epochs at which they are judged, ascending; the last is the most that a trial may have.
    """

    size: int
    rungs: tuple[int, ...]


def fractions_of(epochs: int, steps: int, factor: int = 3) -> tuple[int, ...]:
    """The most epochs, and `steps` times a `factor`-th of the one above it; at least one epoch each.

    Example:
        >>> fractions_of(27, 2)
        (3, 9, 27)
    """
    return tuple(sorted({max(1, round(epochs / factor**step)) for step in range(steps + 1)}))
