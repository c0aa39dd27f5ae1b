"""Edges of many pictures at once, and the equalisation of their histograms, as OpenCV defines them."""

import numpy as np
from scipy import ndimage

from cifarlab.utils.arrays import Array

_TANGENT = np.tan(np.pi / 8)


def edges(pictures: Array, low: float, high: float) -> Array:
    """Canny's edges, with a 3 x 3 Sobel gradient and the sum of its absolute parts as its strength.

    Args:
        pictures: `(N, H, W)` uint8.
        low: An edge goes on where the gradient is above this.
        high: And begins where it is above this.

    Returns:
        `(N, H, W)` bool.

    Source: Canny 1986, IEEE Transactions on Pattern Analysis and Machine Intelligence 8:679.
    """
    across, down = _sobel(pictures.astype(np.float32))
    strength = np.abs(across) + np.abs(down)
    possible = _is_ridge(across, down, strength) & (strength > low)
    within_picture = np.zeros((3, 3, 3), bool)
    within_picture[1] = True
    lines, count = ndimage.label(possible, within_picture)
    begun = np.zeros(count + 1, bool)
    begun[lines[possible & (strength > high)]] = True
    begun[0] = False
    return np.asarray(begun[lines])


def equalise(pictures: Array) -> Array:
    """Grey levels spread so that each occurs about equally often; a picture of one level stays.

    Args:
        pictures: `(N, H, W)` uint8.
    """
    count = len(pictures)
    flat = pictures.reshape(count, -1).astype(np.int64)
    histogram = np.bincount((flat + 256 * np.arange(count)[:, None]).ravel(), minlength=256 * count).reshape(count, 256)
    rows = np.arange(count)
    first = histogram[rows, flat.min(axis=1)][:, None]
    others = flat.shape[1] - first
    levels = np.rint((histogram.cumsum(axis=1) - first) * 255 / np.maximum(others, 1)).clip(0, 255)
    levels = np.where(others == 0, np.arange(256), levels).astype(np.uint8)
    return np.take_along_axis(levels, flat, axis=1).reshape(pictures.shape)


def _sobel(pictures: Array) -> tuple[Array, Array]:
    # Not `ndimage.sobel`, which smooths along every other axis: from picture to picture too.
    rows, columns = (ndimage.correlate1d(pictures, (1, 2, 1), axis, mode="nearest") for axis in (1, 2))
    slope = (-1, 0, 1)
    return ndimage.correlate1d(rows, slope, 2, mode="nearest"), ndimage.correlate1d(columns, slope, 1, mode="nearest")


def _is_ridge(across: Array, down: Array, strength: Array) -> Array:
    """Whether the gradient is strongest here along its own direction, which is taken to be one of four."""
    around = np.pad(strength, ((0, 0), (1, 1), (1, 1)))
    height, width = strength.shape[1:]

    def neighbour(row: int, column: int) -> Array:
        return around[:, 1 + row : 1 + row + height, 1 + column : 1 + column + width]

    flat, steep = np.abs(down) < np.abs(across) * _TANGENT, np.abs(down) > np.abs(across) * (_TANGENT + 2)
    level = (strength > neighbour(0, -1)) & (strength >= neighbour(0, 1))
    upright = (strength > neighbour(-1, 0)) & (strength >= neighbour(1, 0))
    falling = (strength > neighbour(-1, -1)) & (strength > neighbour(1, 1))
    rising = (strength > neighbour(-1, 1)) & (strength > neighbour(1, -1))
    slanted = np.where(across * down < 0, rising, falling)
    return np.where(flat, level, np.where(steep, upright, slanted))
