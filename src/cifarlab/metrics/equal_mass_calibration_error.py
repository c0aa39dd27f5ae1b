"""Equal-mass calibration error: how far confidence is from accuracy, in 15 bins of equally many images."""

from cifarlab.metrics._reliability import calibration_error, equal_mass_edges, judge
from cifarlab.metrics.statistics.intervals import Interval
from cifarlab.runs.predictions import Predictions

RANGE = (0.0, 1.0)
NEEDS_PROBABILITIES = True


def measure(predictions: Predictions) -> Interval:
    """Gap between confidence and accuracy in bins of equally many images, averaged by size; with a bootstrap interval.

    The value is biased upwards by chance, and the interval is made to allow for that: see `bootstrap_norm`.

    Source: Nguyen and O'Connor 2015, arXiv:1508.05154; Nixon et al. 2019, arXiv:1904.01685.
    """
    judged = judge(predictions)
    return calibration_error(judged, equal_mass_edges(judged.confidence))
