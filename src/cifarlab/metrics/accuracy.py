"""Accuracy: the share of images whose class was recognised. Single view: one look at each image as it is."""

from sklearn import metrics

from cifarlab.metrics.statistics import intervals
from cifarlab.metrics.statistics.intervals import Interval
from cifarlab.runs.predictions import Classified

HIGHER_IS_BETTER = True
RANGE = (0.0, 1.0)
NEEDS_PROBABILITIES = False


def measure(predictions: Classified) -> Interval:
    """Accuracy, with Wilson's interval."""
    if len(predictions) == 0:
        return intervals.undefined("no images")
    right = metrics.accuracy_score(predictions.labels, predictions.predicted, normalize=False)
    return intervals.wilson(int(right), len(predictions))
