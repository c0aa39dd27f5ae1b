"""One epoch for all, then the best few to the end: hard to beat, and the measure of every other pruner.

Source: Egele et al. 2023, Is One Epoch All You Need For Multi-Fidelity Hyperparameter Optimization?, arXiv:2307.15422.
"""

from collections.abc import Sequence

from cifarlab.search.pruners import Round

FEW = 3


def plan(epochs: int, trials: int, number: int) -> Round:
    """All trials in one round."""
    return Round(trials, (1, epochs) if epochs > 1 else (1,))


def keep(scores: Sequence[float], earlier: Sequence[float]) -> int:
    """The best three."""
    return min(FEW, len(scores))
