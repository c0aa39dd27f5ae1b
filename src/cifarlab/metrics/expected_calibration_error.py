"""Expected calibration error: how far confidence is from accuracy, in 15 confidence bins of equal width."""

from cifarlab.metrics._reliability import calibration_error, equal_width_edges, judge
from cifarlab.metrics.statistics.intervals import Interval
from cifarlab.runs.predictions import Predictions

RANGE = (0.0, 1.0)
NEEDS_PROBABILITIES = True


def measure(predictions: Predictions) -> Interval:
    """Gap between confidence and accuracy in bins of equal width, averaged by size; with a bootstrap interval.

    The value is biased upwards by chance, and the interval is made to allow for that: see `bootstrap_norm`.

    Source: Guo et al. 2017, arXiv:1706.04599; Naeini, Cooper and Hauskrecht 2015, AAAI.
    """
    return calibration_error(judge(predictions), equal_width_edges())
