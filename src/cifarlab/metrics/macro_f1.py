"""Macro F1: the F1 of every class, averaged."""

import numpy as np

from cifarlab.metrics._per_class import Counts, count, f1_draws, macro_f1_without_draws, macro_mean
from cifarlab.metrics.statistics.intervals import Interval, bootstrap_fraction
from cifarlab.runs.predictions import Classified

RANGE = (0.0, 1.0)
NEEDS_PROBABILITIES = False


def measure(predictions: Classified) -> Interval:
    """Mean F1 over the classes that occur, with an interval from a bootstrap: images drawn again within each class.

    Where resampling cannot show any doubt (all right, say), the interval is made of one for each class, from Wilson's.
    """
    counts = count(predictions)
    return interval(counts, macro_mean(counts, 2 * counts.hits, counts.support + counts.predicted))


def interval(counts: Counts, value: float) -> Interval:
    """The interval of a macro F1 of this value."""
    draws = f1_draws(counts)[:, counts.occurring].mean(axis=1)  # (D,)
    if np.ptp(draws) == 0:
        return macro_f1_without_draws(counts, value)
    return bootstrap_fraction(value, draws, counts.inflation)
