"""Accuracy: the share of images that were classified correctly."""

from cifarlab.metrics.statistics.intervals import Interval, share
from cifarlab.runs.predictions import Classified

RANGE = (0.0, 1.0)
NEEDS_PROBABILITIES = False


def measure(predictions: Classified) -> Interval:
    """Accuracy, with Wilson's interval, which holds its 95 % also for few images and near 100 %."""
    return share(predictions.correct)
