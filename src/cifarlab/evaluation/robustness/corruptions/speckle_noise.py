"""Speckle noise: Gaussian, and the stronger the brighter the pixel is."""

from cifarlab.evaluation.robustness.corruptions._pixels import to_pixels, to_unit
from cifarlab.evaluation.robustness.corruptions._random import ImageRandom
from cifarlab.utils.arrays import Array

BENCHMARK = False
CONSTANTS = (0.06, 0.10, 0.12, 0.16, 0.20)
"""Standard deviation as a share of the value."""


def apply(images: Array, deviation: float, random: ImageRandom) -> Array:
    """Every value is multiplied by a noise around 1."""
    return to_pixels(to_unit(images) * (1 + deviation * random.normal(*images.shape[1:])))
