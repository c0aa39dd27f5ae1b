"""Defocus: every point becomes a small disc."""

import numpy as np

from cifarlab.evaluation.robustness.corruptions._filters import correlate
from cifarlab.evaluation.robustness.corruptions._pixels import to_pixels, to_unit
from cifarlab.evaluation.robustness.corruptions._random import ImageRandom
from cifarlab.utils.arrays import Array

BENCHMARK = True
CONSTANTS = ((0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1.0, 0.2), (1.5, 0.1))
"""Radius of the disc, and the standard deviation that softens its edge; both in pixels."""


def apply(images: Array, constant: tuple[float, float], random: ImageRandom) -> Array:
    """Nothing here is random."""
    return to_pixels(correlate(to_unit(images), _disc(*constant)))


def _disc(radius: float, softness: float) -> Array:
    """`(k, k)`, sum 1: the pixels whose centre is inside, then blurred by a Gaussian of three pixels' width."""
    reach = int(radius) + 1
    across = np.arange(-reach, reach + 1)
    disc = (across[:, None] ** 2 + across[None, :] ** 2 <= radius**2).astype(np.float64)
    soft = np.exp(-(np.arange(-1, 2) ** 2) / (2 * softness**2))
    soft /= soft.sum()
    blurred = np.array([np.convolve(row, soft, "same") for row in disc / disc.sum()])
    return np.array([np.convolve(column, soft, "same") for column in blurred.T]).T
