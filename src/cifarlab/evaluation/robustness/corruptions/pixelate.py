"""Pixelation: a picture of lower resolution, enlarged without smoothing."""

import numpy as np
from PIL import Image

from cifarlab.evaluation.robustness.corruptions._random import ImageRandom
from cifarlab.utils.arrays import Array

BENCHMARK = True
CONSTANTS = (0.95, 0.90, 0.85, 0.75, 0.65)
"""Share of the side that is left."""


def apply(images: Array, share: float, random: ImageRandom) -> Array:
    """By Pillow, as in the original. Nothing here is random."""
    height, width = images.shape[1:3]
    small = int(width * share), int(height * share)
    box = Image.Resampling.BOX
    pictures = [Image.fromarray(image).resize(small, box).resize((width, height), box) for image in images]
    return np.stack([np.asarray(picture) for picture in pictures])
