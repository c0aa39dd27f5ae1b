"""Pictures looked at in other places than their own pixels: enlarged, or at any coordinates."""

import math
from typing import Any

import numpy as np
from scipy import sparse

from cifarlab.utils.arrays import Array


def enlarging(height: int, width: int, factor: float) -> Any:
    """The map that enlarges the middle of a picture to the picture's own size, linearly between pixels.

    Corners of the part that is cut out become corners of what it is enlarged to, which is then trimmed, as with
    `scipy.ndimage.zoom` in CIFAR-10-C.

    Args:
        height: Of the picture, in pixels.
        width: Likewise.
        factor: At least 1.

    Returns:
        A sparse `(H * W, H * W)` float32 matrix.
    """
    return sparse.kron(_enlarging_line(height, factor), _enlarging_line(width, factor), "csr").astype(np.float32)


def transform(images: Array, operator: Any) -> Array:
    """A linear map, sparse `(H * W, H * W)`, of the pixels of every picture, `(N, H, W, C)` float32."""
    count, height, width, channels = images.shape
    pixels = np.ascontiguousarray(images.transpose(1, 2, 0, 3)).reshape(height * width, count * channels)
    return np.asarray((operator @ pixels).reshape(height, width, count, channels).transpose(2, 0, 1, 3))


def bilinear(images: Array, rows: Array, columns: Array, *, repeat_edge: bool) -> Array:
    """Pictures at any coordinates, linearly between pixels; beyond the edge lies the picture's reflection.

    Args:
        images: `(N, H, W, C)` float32.
        rows: `(N, H, W)` float, the row each new pixel is taken from.
        columns: Likewise.
        repeat_edge: Whether the edge's pixel appears twice in the reflection (`d c b a | a b c d | d c b a`).
    """
    height, width = images.shape[1:3]
    top, left = np.floor(rows).astype(np.int64), np.floor(columns).astype(np.int64)
    down, right = (rows - top).astype(np.float32), (columns - left).astype(np.float32)
    result = np.zeros_like(images)
    for row_step, row_weight in ((0, 1 - down), (1, down)):
        row = _reflect(top + row_step, height, repeat_edge)
        for column_step, column_weight in ((0, 1 - right), (1, right)):
            column = _reflect(left + column_step, width, repeat_edge)
            result += (row_weight * column_weight)[..., None] * gather(images, row * width + column)
    return result


def gather(images: Array, places: Array) -> Array:
    """Pixels of `(N, H, W, C)` from other places of their picture, `(N, H, W)` int64: row times width, plus column."""
    count, height, width, channels = images.shape
    first = height * width * np.arange(count)[:, None, None]
    return np.asarray(np.take(images.reshape(-1, channels), places + first, axis=0))


def _reflect(index: Array, size: int, repeat_edge: bool) -> Array:
    """Reflected once at either edge; what lies further out still becomes the last pixel seen."""
    if repeat_edge:
        folded = np.where(index < 0, -1 - index, index)
        folded = np.minimum(folded, 2 * size - 1 - folded)
    else:
        folded = np.abs(index)
        folded = np.minimum(folded, 2 * size - 2 - folded)
    return np.asarray(np.clip(folded, 0, size - 1))


def _enlarging_line(size: int, factor: float) -> Any:
    """Sparse `(size, size)`: each new pixel of a line as a mixture of two old ones."""
    part = math.ceil(size / factor)
    first = (size - part) // 2
    enlarged = round(part * factor)
    trimmed = (enlarged - size) // 2
    places = (np.arange(size) + trimmed) * (part - 1) / max(1, enlarged - 1)  # in the part that was cut out
    left = np.minimum(places.astype(np.int64), part - 1)
    right = np.minimum(left + 1, part - 1)
    rows, share = np.arange(size), places - left
    entries = (np.concatenate([1 - share, share]), (np.tile(rows, 2), first + np.concatenate([left, right])))
    return sparse.coo_array(entries, shape=(size, size))
