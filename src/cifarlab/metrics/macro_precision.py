"""Macro precision: the precision of every class, averaged."""

from cifarlab.metrics._per_class import count, macro_mean, precisions
from cifarlab.metrics.statistics.intervals import Interval, mean_of_proportions
from cifarlab.runs.predictions import Classified

RANGE = (0.0, 1.0)
NEEDS_PROBABILITIES = False


def measure(predictions: Classified) -> Interval:
    """Mean precision over the classes that occur, with an interval made of theirs.

    A class that has images but was never predicted counts as 0 (scikit-learn's `zero_division=0`).
    """
    counts = count(predictions)
    value = macro_mean(counts, counts.hits, counts.predicted)
    return mean_of_proportions(value, precisions(counts), int(counts.occurring.sum()))
