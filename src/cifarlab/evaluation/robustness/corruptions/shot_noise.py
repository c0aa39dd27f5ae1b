"""Shot noise: light comes in grains, and a dark exposure counts few of them."""

from cifarlab.evaluation.robustness.corruptions._pixels import to_pixels, to_unit
from cifarlab.evaluation.robustness.corruptions._random import ImageRandom
from cifarlab.utils.arrays import Array

BENCHMARK = True
CONSTANTS = (500, 250, 100, 75, 50)
"""Grains that make white."""


def apply(images: Array, grains: float, random: ImageRandom) -> Array:
    """Each value becomes a Poisson count of that mean."""
    return to_pixels(random.poisson(to_unit(images) * grains) / grains)
