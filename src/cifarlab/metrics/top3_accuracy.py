"""Top-3 accuracy: the share of images whose class is among the three most probable."""

import numpy as np

from cifarlab.metrics.statistics.intervals import Interval, share, undefined
from cifarlab.runs.predictions import Predictions

RANGE = (0.0, 1.0)
NEEDS_PROBABILITIES = True


def measure(predictions: Predictions) -> Interval:
    """Top-3 accuracy, with Wilson's interval; undefined where there are no more than three classes.

    Equal logits count as ordered by class, lowest first, as in accuracy. (`sklearn.metrics.top_k_accuracy_score`
    orders them the other way round, so that an image could be right at once and yet not among the first three.)
    """
    if len(predictions.class_names) <= 3:
        return undefined("of no more than three classes it would always be 100 %")
    first = np.argsort(-predictions.logits, axis=1, kind="stable")[:, :3]  # (N, 3)
    return share((first == predictions.labels[:, None]).any(axis=1))
