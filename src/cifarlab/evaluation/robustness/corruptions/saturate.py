"""Saturation: two severities take colour away, three add it."""

import numpy as np

from cifarlab.evaluation.robustness.corruptions._pixels import to_pixels, with_saturation
from cifarlab.evaluation.robustness.corruptions._random import ImageRandom
from cifarlab.utils.arrays import Array

BENCHMARK = False
CONSTANTS = ((0.3, 0.0), (0.1, 0.0), (1.5, 0.0), (2.0, 0.1), (2.5, 0.2))
"""HSV's saturation is multiplied by the first, then the second is added."""


def apply(images: Array, constant: tuple[float, float], random: ImageRandom) -> Array:
    """Nothing here is random."""
    return to_pixels(with_saturation(images.astype(np.float64) / 255, *constant))
