"""The same picture seen a little differently: an answer that changes with that is an accident."""

from collections.abc import Iterator

import numpy as np

from cifarlab.utils.arrays import Array

_DIRECTIONS = ((0, 1), (0, -1), (1, 0), (-1, 0))
VARIANTS = 1 + 2 * len(_DIRECTIONS)
"""How many variants of each picture there are in all."""


def variants(images: Array) -> dict[str, Iterator[Array]]:
    """The same pictures mirrored and moved.

    Args:
        images: `(N, H, W, C)` uint8.

    Returns:
        `flip`: the mirror image; `shift_1` and `shift_2`: moved by one or two pixels in each of four directions, made
        one at a time. A picture is consistent if its answer is the same in all of them.
    """
    return {
        "flip": iter([np.ascontiguousarray(images[:, :, ::-1])]),
        "shift_1": (shift(images, down, right) for down, right in _DIRECTIONS),
        "shift_2": (shift(images, 2 * down, 2 * right) for down, right in _DIRECTIONS),
    }


def shift(images: Array, down: int, right: int) -> Array:
    """Pictures moved by whole pixels; the pixels at the edge are repeated where the picture has left.

    Args:
        images: `(N, H, W, C)`.
        down: May be negative.
        right: Likewise.
    """
    rows = np.clip(np.arange(images.shape[1]) - down, 0, images.shape[1] - 1)
    columns = np.clip(np.arange(images.shape[2]) - right, 0, images.shape[2] - 1)
    return np.ascontiguousarray(images[:, rows][:, :, columns])
