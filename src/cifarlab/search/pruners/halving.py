"""Successive halving: at each rung the best third goes on.

Source: Jamieson and Talwalkar 2016, Non-stochastic best arm identification and hyperparameter optimization,
arXiv:1502.07943.
"""

import math
from collections.abc import Sequence

from cifarlab.search.pruners import Round, fractions_of

FACTOR = 3


def plan(epochs: int, trials: int, number: int) -> Round:
    """Nine trials a round: one of them is trained to the end."""
    return Round(min(trials, FACTOR**2), fractions_of(epochs, 2, FACTOR))


def keep(scores: Sequence[float], earlier: Sequence[float]) -> int:
    """How many of a round go on from a rung.

    Args:
        scores: Of those that reached it, best first.
        earlier: Scores of earlier rounds at this rung.
    """
    return math.ceil(len(scores) / FACTOR)
