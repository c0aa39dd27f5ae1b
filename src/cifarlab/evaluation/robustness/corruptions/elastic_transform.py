"""Elastic transform: a random affine map of the whole, then small regions stretched and contracted."""

import numpy as np

from cifarlab.evaluation.robustness.corruptions._filters import gaussian
from cifarlab.evaluation.robustness.corruptions._pixels import to_pixels, to_unit
from cifarlab.evaluation.robustness.corruptions._random import ImageRandom
from cifarlab.evaluation.robustness.corruptions._sampling import bilinear
from cifarlab.utils.arrays import Array

BENCHMARK = True
CONSTANTS = ((0.0, 0.0, 0.08), (0.05, 0.2, 0.07), (0.08, 0.06, 0.06), (0.1, 0.04, 0.05), (0.1, 0.03, 0.03))
"""As shares of the picture's side: strength and smoothness of the local shifts, and reach of the affine map."""


def apply(images: Array, constant: tuple[float, float, float], random: ImageRandom) -> Array:
    """Pictures are sampled twice, first through the affine map and then through the local shifts."""
    side = min(images.shape[1:3])
    strength, smoothness, reach = (side * part for part in constant)
    height, width = images.shape[1:3]
    rows, columns = (axis.astype(np.float32) for axis in np.mgrid[:height, :width])
    moved = _affine(to_unit(images), rows, columns, reach, random)
    shifts = random.uniform(2, height, width, low=-1, high=1)
    right, down = (
        strength * gaussian(shifts[:, axis], smoothness, border="reflect", truncate=3.0) for axis in range(2)
    )
    return to_pixels(bilinear(moved, rows + down, columns + right, repeat_edge=True))


def _affine(images: Array, rows: Array, columns: Array, reach: float, random: ImageRandom) -> Array:
    """Three points around the middle each move by up to `reach`, and take the picture with them."""
    height, width = images.shape[1:3]
    middle, arm = np.array([width // 2, height // 2]), min(height, width) // 3
    corners = middle + arm * np.array([[1, 1], [1, -1], [-1, -1]])  # (3, 2), across and down
    moved = corners + random.uniform(3, 2, low=-reach, high=reach)  # (N, 3, 2)
    ones = np.ones((len(moved), 3, 1))
    back = np.linalg.solve(np.concatenate([moved, ones], axis=2), np.broadcast_to(corners, moved.shape))  # (N, 3, 2)
    across, down = back.astype(np.float32).transpose(2, 1, 0)[..., None, None]  # (3, N, 1, 1) each
    from_column = columns * across[0] + rows * across[1] + across[2]  # (N, H, W): where each new pixel comes from
    from_row = columns * down[0] + rows * down[1] + down[2]
    return bilinear(images, from_row, from_column, repeat_edge=False)
