"""Zoom blur: the camera moved towards the middle of the picture."""

from functools import cache
from typing import Any

import numpy as np

from cifarlab.evaluation.robustness.corruptions._pixels import to_pixels, to_unit
from cifarlab.evaluation.robustness.corruptions._random import ImageRandom
from cifarlab.evaluation.robustness.corruptions._sampling import enlarging, transform
from cifarlab.utils.arrays import Array

BENCHMARK = True
CONSTANTS = tuple(tuple(np.arange(1, end, 0.01).tolist()) for end in (1.06, 1.11, 1.16, 1.21, 1.26))
"""How much the picture is enlarged, from 1 on in steps of 0.01."""


def apply(images: Array, factors: tuple[float, ...], random: ImageRandom) -> Array:
    """The mean of the picture and all its enlargements. Nothing here is random."""
    return to_pixels(transform(to_unit(images), _mean_map(images.shape[1], images.shape[2], factors)))


@cache
def _mean_map(height: int, width: int, factors: tuple[float, ...]) -> Any:
    clean = enlarging(height, width, 1.0)
    return sum((enlarging(height, width, factor) for factor in factors), clean) / (len(factors) + 1)
