"""Positions in the picture of the units of a network that begins local, and how near every input is to them."""

from collections.abc import Sequence

import numpy as np

from cifarlab.utils.arrays import Array


def unit_positions(count: int, height: int, width: int) -> Array:
    """Positions that fill a picture evenly, no two near each other; the first ones of more are the same ones.

    Multiples of the powers of the plastic number: Roberts 2018, "The unreasonable effectiveness of quasirandom
    sequences".

    Args:
        count: How many.
        height: Of the picture, in pixels.
        width: Of the picture, in pixels.

    Returns:
        `(count, 2)` float64, in rows and columns, in pixels.
    """
    # The root of x^3 = x + 1: what the golden ratio is to a line, this is to a plane.
    plastic = 1.32471795724474602596
    positions: Array = np.arange(1, count + 1)[:, None] * (plastic**-1, plastic**-2) % 1 * (height, width)
    return positions


def pixel_positions(shape: Sequence[int]) -> Array:
    """The middle of every pixel, once for each channel, in the order of flattened pictures.

    Args:
        shape: Height, width and channels.

    Returns:
        `(H * W * C, 2)` float64, in rows and columns, in pixels.
    """
    height, width, channels = shape
    rows, columns = np.divmod(np.repeat(np.arange(height * width), channels), width)
    positions: Array = np.stack([rows, columns], axis=1) + 0.5
    return positions


def gaussian_window(inputs: Array, units: Array, sigma_pixels: float) -> Array:
    """A Gaussian of the distance between each input's position and each unit's, from 1 near to 0 far.

    Args:
        inputs: `(I, 2)`, in pixels.
        units: `(U, 2)`, in pixels.
        sigma_pixels: The Gaussian's standard deviation.

    Returns:
        `(I, U)` float64.
    """
    rows, columns = (np.subtract.outer(inputs[:, axis], units[:, axis]) ** 2 for axis in (0, 1))
    window: Array = np.exp(-(rows + columns) / (2 * sigma_pixels**2))
    return window
