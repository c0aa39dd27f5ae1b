"""Brier loss: squared distance of the probabilities from the truth, summed over the classes; from 0 to 2."""

import numpy as np

from cifarlab.metrics.statistics.intervals import Interval, mean
from cifarlab.runs.predictions import Predictions

RANGE = (0.0, 2.0)
NEEDS_PROBABILITIES = True


def measure(predictions: Predictions) -> Interval:
    """Mean Brier loss of the images, with Student's t interval.

    It is Brier's own sum over all classes, `sklearn.metrics.brier_score_loss` with `scale_by_half=False`: 0 for
    certainty that is right, 2 for certainty that is wrong, also for two classes.

    Source: Brier 1950, Monthly Weather Review 78:1.
    """
    truth = np.eye(len(predictions.class_names))[predictions.labels]  # (N, K)
    return mean(((predictions.probabilities - truth) ** 2).sum(axis=1), highest=2.0)
