"""Negative log likelihood: mean cross-entropy of the true labels in nats. This is the loss, without label smoothing."""

from cifarlab.metrics.statistics import intervals
from cifarlab.metrics.statistics.intervals import Interval
from cifarlab.runs.predictions import Predictions

HIGHER_IS_BETTER = False
RANGE = (0.0, float("inf"))
NEEDS_PROBABILITIES = True


def measure(predictions: Predictions) -> Interval:
    """Mean cross-entropy in nats, with Student's t interval over the images.

    It is computed from the logits, not from probabilities: `sklearn.metrics.log_loss` clips those, and so hides how
    wrong a confident mistake is.
    """
    return intervals.mean(predictions.losses)
