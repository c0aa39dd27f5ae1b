"""Gaussian noise, as from a sensor in little light: the same spread at every pixel."""

from cifarlab.evaluation.robustness.corruptions._pixels import to_pixels, to_unit
from cifarlab.evaluation.robustness.corruptions._random import ImageRandom
from cifarlab.utils.arrays import Array

BENCHMARK = True
CONSTANTS = (0.04, 0.06, 0.08, 0.09, 0.10)
"""Standard deviation, black to white being 1."""


def apply(images: Array, deviation: float, random: ImageRandom) -> Array:
    """Every channel of every pixel gets noise of its own."""
    return to_pixels(to_unit(images) + deviation * random.normal(*images.shape[1:]))
