"""Filters over many pictures at once: Gaussian, any small kernel, and motion in a direction of each picture's own."""

import numpy as np
from scipy import ndimage

from cifarlab.evaluation.robustness.corruptions._sampling import gather
from cifarlab.utils.arrays import Array


def gaussian(images: Array, sigma: float, border: str = "nearest", truncate: float = 4.0) -> Array:
    """Gaussian blur of every picture on its own.

    Args:
        images: `(N, H, W, ...)` float.
        sigma: Standard deviation in pixels; 0 changes nothing.
        border: SciPy's name of what lies beyond the edge.
        truncate: The kernel ends after so many standard deviations.
    """
    if sigma == 0:
        return images
    blurred = ndimage.gaussian_filter1d(images, sigma, axis=1, mode=border, truncate=truncate)
    return np.asarray(ndimage.gaussian_filter1d(blurred, sigma, axis=2, mode=border, truncate=truncate))


def correlate(images: Array, kernel: Array) -> Array:
    """Every pixel becomes the weighted sum of those around it; beyond the edge the picture is mirrored.

    Args:
        images: `(N, H, W, ...)` float32.
        kernel: `(k, k)`, k odd.
    """
    reach = len(kernel) // 2
    height, width = images.shape[1:3]
    around = [(0, 0), (reach, reach), (reach, reach)] + [(0, 0)] * (images.ndim - 3)
    padded = np.pad(images, around, mode="reflect")
    result = np.zeros_like(images)
    for row, column in np.argwhere(kernel):
        result += np.float32(kernel[row, column]) * padded[:, row : row + height, column : column + width]
    return result


def box3(images: Array) -> Array:
    """Mean of every pixel and its eight neighbours."""
    return correlate(images, np.full((3, 3), 1 / 9))


def motion(images: Array, radius: float, sigma: float, angles: Array) -> Array:
    """Smears every picture along its own direction, with weights that fall off on one side as half a Gaussian.

    The kernel's length is `2 * radius + 1` and its steps go to the nearest whole pixel, as in ImageMagick's motion
    blur, which CIFAR-10-C uses. Beyond the edge lies the edge's pixel.

    Args:
        images: `(N, H, W, C)` float32.
        radius: Reach in pixels, whole.
        sigma: Of the half Gaussian.
        angles: `(N,)` degrees.
    """
    steps = np.arange(2 * int(np.ceil(radius)) + 1)
    weights = np.exp(-(steps**2) / (2 * sigma**2))
    weights /= weights.sum()
    radians = np.deg2rad(angles.astype(np.float64))[:, None]
    down = np.ceil(steps * np.sin(radians) - 0.5).astype(np.int64)  # (N, steps)
    right = np.ceil(steps * np.cos(radians) - 0.5).astype(np.int64)
    height, width = images.shape[1:3]
    result = np.zeros_like(images)
    for step in np.flatnonzero(weights > 1e-5):
        rows = np.clip(np.arange(height) + down[:, step, None], 0, height - 1)  # (N, H)
        columns = np.clip(np.arange(width) + right[:, step, None], 0, width - 1)  # (N, W)
        result += np.float32(weights[step]) * gather(images, rows[:, :, None] * width + columns[:, None, :])
    return result
