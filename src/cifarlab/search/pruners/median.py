"""The median rule: a trial goes on if it is no worse than the median of all that have been as far.

Source: Golovin et al. 2017, Google Vizier: A Service for Black-Box Optimization, section 3.2.
"""

import statistics
from collections.abc import Sequence

from cifarlab.search.pruners import Round, fractions_of


def plan(epochs: int, trials: int, number: int) -> Round:
    """Four trials a round, judged at a ninth and a third of the epochs."""
    return Round(min(trials, 4), fractions_of(epochs, 2))


def keep(scores: Sequence[float], earlier: Sequence[float]) -> int:
    """As many as reach the median of this round's and all earlier scores."""
    median = statistics.median([*scores, *earlier])
    return sum(score >= median for score in scores)
