"""Motion blur: the camera moved, in a direction of each picture's own.

The original calls ImageMagick; the same kernel is made here in NumPy.
"""

import numpy as np

from cifarlab.evaluation.robustness.corruptions._filters import motion
from cifarlab.evaluation.robustness.corruptions._random import ImageRandom
from cifarlab.utils.arrays import Array

BENCHMARK = True
CONSTANTS = ((6, 1.0), (6, 1.5), (6, 2.0), (8, 2.0), (9, 2.5))
"""Radius of the kernel and standard deviation of its weights, in pixels."""


def apply(images: Array, constant: tuple[float, float], random: ImageRandom) -> Array:
    """Directions are from -45 to 45 degrees off the horizontal."""
    radius, sigma = constant
    angles = random.uniform(low=-45, high=45)
    return np.rint(motion(images.astype(np.float32), radius, sigma, angles)).astype(np.uint8)
