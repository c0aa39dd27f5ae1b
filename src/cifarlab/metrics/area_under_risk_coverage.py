"""Area under the risk-coverage curve: how often the surest answers are wrong, averaged over how many are asked for.

A model that is least sure of exactly its mistakes has the smallest area that its accuracy allows.
"""

from cifarlab.metrics._selective import area_under_risk
from cifarlab.metrics.statistics.intervals import Interval
from cifarlab.runs.predictions import Predictions

RANGE = (0.0, 1.0)
NEEDS_PROBABILITIES = True


def measure(predictions: Predictions) -> Interval:
    """The area, with Student's t interval of each image's influence on it.

    Source: Geifman, Uziel and El-Yaniv 2019, arXiv:1805.08206.
    """
    return area_under_risk(predictions)
