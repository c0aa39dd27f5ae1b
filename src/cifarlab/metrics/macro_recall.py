"""Macro recall: the recall of every class, averaged; also called balanced accuracy."""

from cifarlab.metrics._per_class import count, macro_mean, recalls
from cifarlab.metrics.statistics.intervals import Interval, mean_of_proportions
from cifarlab.runs.predictions import Classified

RANGE = (0.0, 1.0)
NEEDS_PROBABILITIES = False


def measure(predictions: Classified) -> Interval:
    """Mean recall over the classes that occur, with an interval made of theirs.

    A class that was predicted but has no images counts as 0 (scikit-learn's `zero_division=0`).
    """
    counts = count(predictions)
    value = macro_mean(counts, counts.hits, counts.support)
    return mean_of_proportions(value, recalls(counts), int(counts.occurring.sum()))
