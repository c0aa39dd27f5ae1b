"""JPEG compression, and what it leaves behind."""

import io

import numpy as np
from PIL import Image

from cifarlab.evaluation.robustness.corruptions._random import ImageRandom
from cifarlab.utils.arrays import Array

BENCHMARK = True
CONSTANTS = (80, 65, 58, 50, 40)
"""Quality, as Pillow and libjpeg count it."""


def apply(images: Array, quality: int, random: ImageRandom) -> Array:
    """Through Pillow's encoder and back, as in the original. Nothing here is random."""
    return np.stack([_compress(image, quality) for image in images])


def _compress(image: Array, quality: int) -> Array:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality)
    with Image.open(file) as compressed:
        return np.asarray(compressed, np.uint8)
