"""Predictions in, numbers out: each with its 95 % interval.

A scalar metric is one file here, found by its name: `measure(predictions) -> Interval`, `HIGHER_IS_BETTER`, `RANGE`,
the least and the most it can be, which no interval leaves, and `NEEDS_PROBABILITIES`, which is False where the
predicted classes are enough. Files that begin with `_` are what the metrics share.
"""

from cifarlab.metrics._confusion import confusion_matrix
from cifarlab.metrics._measure import higher_is_better, measure, names, score
from cifarlab.metrics._per_class import per_class
from cifarlab.metrics._reliability import reliability
from cifarlab.metrics._selective import risk_coverage
from cifarlab.metrics.statistics.intervals import Interval

__all__ = [
    "Interval",
    "confusion_matrix",
    "higher_is_better",
    "measure",
    "names",
    "per_class",
    "reliability",
    "risk_coverage",
    "score",
]
