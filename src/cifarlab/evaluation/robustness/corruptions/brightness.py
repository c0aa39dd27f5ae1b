"""Brightness: daylight of another strength; the value of HSV is raised."""

import numpy as np

from cifarlab.evaluation.robustness.corruptions._pixels import to_pixels, with_value
from cifarlab.evaluation.robustness.corruptions._random import ImageRandom
from cifarlab.utils.arrays import Array

BENCHMARK = True
CONSTANTS = (0.05, 0.10, 0.15, 0.20, 0.30)
"""Added to the value, black to white being 1."""


def apply(images: Array, change: float, random: ImageRandom) -> Array:
    """Nothing here is random."""
    return to_pixels(with_value(images.astype(np.float64) / 255, change))
