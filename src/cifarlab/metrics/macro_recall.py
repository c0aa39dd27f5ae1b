"""Macro recall: the recall of every class, averaged; also called balanced accuracy."""

from sklearn import metrics

from cifarlab.metrics._per_class import count, recalls
from cifarlab.metrics.statistics.intervals import Interval, mean_of_proportions
from cifarlab.runs.predictions import Classified

RANGE = (0.0, 1.0)
NEEDS_PROBABILITIES = False


def measure(predictions: Classified) -> Interval:
    """Mean recall over the classes that occur, with an interval made of theirs.

    A class that was predicted but has no images counts as 0 (scikit-learn's `zero_division=0`).
    """
    value = metrics.recall_score(predictions.labels, predictions.predicted, average="macro", zero_division=0)
    counts = count(predictions)
    return mean_of_proportions(float(value), recalls(counts), int(counts.occurring.sum()))
