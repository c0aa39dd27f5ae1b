"""Macro recall: the recall of every class, averaged; also called balanced accuracy."""

from sklearn import metrics

from cifarlab.metrics._per_class import count, recalls
from cifarlab.metrics.statistics import intervals
from cifarlab.metrics.statistics.intervals import Interval
from cifarlab.runs.predictions import Classified

HIGHER_IS_BETTER = True
RANGE = (0.0, 1.0)
NEEDS_PROBABILITIES = False


def measure(predictions: Classified) -> Interval:
    """Mean recall over the classes that occur, with an interval made of theirs.

    A class that was predicted but has no images counts as 0 (scikit-learn's `zero_division=0`).
    """
    if len(predictions) == 0:
        return intervals.undefined("no images")
    value = metrics.recall_score(predictions.labels, predictions.predicted, average="macro", zero_division=0)
    counts = count(predictions)
    return intervals.mean_of_proportions(float(value), recalls(counts), int(counts.occurring.sum()))
