"""One fixed order of an image's pixels: what `shuffle_pixels` puts every image into."""

import numpy as np
from numpy.typing import NDArray

SEED = 10
"""Decides the order, once and for all: a setting would invite choosing a convenient one."""


def pixel_order(height: int, width: int) -> NDArray[np.int64]:
    """The one order in which images of this size are shuffled.

    Args:
        height: In pixels.
        width: In pixels.

    Returns:
        `(height * width,)` int64: which pixel stands at each place, row by row. It is made of raw bits, which NumPy
        promises to keep.
    """
    return np.argsort(np.random.PCG64(SEED).random_raw(height * width), kind="stable")


def shuffle_images(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Images with their pixels in that order; a pixel's channels stay together.

    Args:
        images: `(N, H, W, C)` uint8.

    Returns:
        The same shape.
    """
    count, height, width, channels = images.shape
    return images.reshape(count, -1, channels)[:, pixel_order(height, width)].reshape(images.shape)
