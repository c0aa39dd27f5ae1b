"""Hyperband: rounds of successive halving in turn, from many short trainings to a few long ones.

Source: Li et al. 2018, Hyperband: A Novel Bandit-Based Approach to Hyperparameter Optimization, arXiv:1603.06560.
"""

import math
from collections.abc import Sequence

from cifarlab.search.pruners import Round, fractions_of

FACTOR = 3
STEPS = 2


def plan(epochs: int, trials: int, number: int) -> Round:
    """Brackets s = 2, 1, 0 in turn, each of `ceil(3 / (s + 1)) * 3 ** s` trials."""
    step = STEPS - number % (STEPS + 1)
    size = math.ceil((STEPS + 1) / (step + 1)) * FACTOR**step
    return Round(min(trials, size), fractions_of(epochs, step, FACTOR))


def keep(scores: Sequence[float], earlier: Sequence[float]) -> int:
    """A third of them, rounded up."""
    return math.ceil(len(scores) / FACTOR)
