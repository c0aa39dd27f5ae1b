"""Negative log likelihood: mean cross-entropy of the true labels in nats. This is the loss, without label smoothing."""

from cifarlab.metrics.statistics.intervals import Interval, mean
from cifarlab.runs.predictions import Predictions

RANGE = (0.0, float("inf"))
NEEDS_PROBABILITIES = True


def measure(predictions: Predictions) -> Interval:
    """Mean cross-entropy in nats, with Student's t interval over the images.

    It is computed from the logits, not from probabilities: `sklearn.metrics.log_loss` clips those, and so hides how
    wrong a confident mistake is.
    """
    return mean(predictions.losses)
