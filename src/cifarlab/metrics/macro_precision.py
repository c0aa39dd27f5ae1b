"""Macro precision: the precision of every class, averaged."""

from sklearn import metrics

from cifarlab.metrics._per_class import count, precisions
from cifarlab.metrics.statistics import intervals
from cifarlab.metrics.statistics.intervals import Interval
from cifarlab.runs.predictions import Classified

HIGHER_IS_BETTER = True
RANGE = (0.0, 1.0)
NEEDS_PROBABILITIES = False


def measure(predictions: Classified) -> Interval:
    """Mean precision over the classes that occur, with an interval made of theirs.

    A class that has images but was never predicted counts as 0 (scikit-learn's `zero_division=0`).
    """
    if len(predictions) == 0:
        return intervals.undefined("no images")
    value = metrics.precision_score(predictions.labels, predictions.predicted, average="macro", zero_division=0)
    counts = count(predictions)
    return intervals.mean_of_proportions(float(value), precisions(counts), int(counts.occurring.sum()))
