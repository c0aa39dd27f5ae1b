"""Contrast: every channel is drawn towards its mean over the picture."""

import numpy as np

from cifarlab.evaluation.robustness.corruptions._pixels import to_pixels
from cifarlab.evaluation.robustness.corruptions._random import ImageRandom
from cifarlab.utils.arrays import Array

BENCHMARK = True
CONSTANTS = (0.75, 0.50, 0.40, 0.30, 0.15)
"""Share of the distance from the mean that is left."""


def apply(images: Array, share: float, random: ImageRandom) -> Array:
    """Nothing here is random."""
    clean = images.astype(np.float64) / 255
    means = clean.mean(axis=(1, 2), keepdims=True)
    return to_pixels((clean - means) * share + means)
