"""Gaussian blur: soft focus."""

from cifarlab.evaluation.robustness.corruptions._filters import gaussian
from cifarlab.evaluation.robustness.corruptions._pixels import to_pixels, to_unit
from cifarlab.evaluation.robustness.corruptions._random import ImageRandom
from cifarlab.utils.arrays import Array

BENCHMARK = False
CONSTANTS = (0.4, 0.6, 0.7, 0.8, 1.0)
"""Standard deviation in pixels."""


def apply(images: Array, sigma: float, random: ImageRandom) -> Array:
    """Nothing here is random."""
    return to_pixels(gaussian(to_unit(images), sigma))
