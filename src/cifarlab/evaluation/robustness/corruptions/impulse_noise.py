"""Impulse noise, also called salt and pepper: single values that are fully on or off, as from faulty bits."""

import numpy as np

from cifarlab.evaluation.robustness.corruptions._random import ImageRandom
from cifarlab.utils.arrays import Array

BENCHMARK = True
CONSTANTS = (0.01, 0.02, 0.03, 0.05, 0.07)
"""Share of the values that are replaced."""


def apply(images: Array, amount: float, random: ImageRandom) -> Array:
    """Half of what is replaced becomes 0, half 255, each channel on its own."""
    chance = random.uniform(*images.shape[1:])
    replaced = np.where(chance < amount / 2, 0, 255).astype(np.uint8)
    return np.where(chance < amount, replaced, images)
