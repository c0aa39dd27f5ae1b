"""Balanced accuracy: the recall of every class that has images, averaged, as scikit-learn defines it.

Macro recall differs where a class without images was predicted: there it counts as 0, here not at all.
"""

from cifarlab.metrics._per_class import count, recalls
from cifarlab.metrics.statistics.intervals import Interval, mean_of_proportions
from cifarlab.runs.predictions import Classified

RANGE = (0.0, 1.0)
NEEDS_PROBABILITIES = False


def measure(predictions: Classified) -> Interval:
    """Mean recall over the classes that have images, with an interval made of theirs."""
    counts = count(predictions)
    has_images = counts.support > 0
    value = float((counts.hits[has_images] / counts.support[has_images]).mean())
    return mean_of_proportions(value, recalls(counts), int(has_images.sum()))
