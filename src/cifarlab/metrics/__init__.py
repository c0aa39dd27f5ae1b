"""Predictions in, numbers out: each with its 95 % interval.

A scalar metric is one file here, found by its name: `measure(predictions) -> Interval`, of at least one image; `RANGE`,
the least and the most it can be, which no interval leaves; and `NEEDS_PROBABILITIES`, which is False where the
predicted classes are enough. Lower is better of what ends in `_error` or `_loss`, of `negative_log_likelihood` and of
`area_under_risk_coverage`. Files that begin with `_` are what the metrics share.
"""

from cifarlab.metrics._confusion import confusion_matrix
from cifarlab.metrics._measure import measure, names, score
from cifarlab.metrics._per_class import per_class
from cifarlab.metrics._reliability import reliability
from cifarlab.metrics._selective import risk_coverage
from cifarlab.runs.scores import Scores
from cifarlab.utils.results import ClassScores, Interval, ReliabilityBin, RiskCoverage, RiskPoint

__all__ = [
    "ClassScores",
    "Interval",
    "ReliabilityBin",
    "RiskCoverage",
    "RiskPoint",
    "Scores",
    "confusion_matrix",
    "measure",
    "names",
    "per_class",
    "reliability",
    "risk_coverage",
    "score",
]
