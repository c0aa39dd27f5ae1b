"""How local the units of a dense network's first layer became: how small a window holds half of what each looks at."""

import numpy as np
from numpy.typing import NDArray

from cifarlab.models import gaussian_window, pixel_positions, unit_positions
from cifarlab.utils.arrays import Array

HALF = 0.5
_RANDOM_UNITS = 256


def half_energy_sides(weights: Array) -> NDArray[np.float64]:
    """For every unit the side of the smallest square window that holds half of its energy, in pixels.

    The energy of unit u at a pixel is e(y, x) = sum over the channels of w(y, x, c)^2. With E(s) the largest share of
    it in any window of s x s pixels, the area in which E reaches 1/2 is found between two whole sides, a window's
    energy growing evenly with its area there; the side is the root of that area, at least 1.

    A single pixel gives 1; an even spread over H x W pixels the root of H W / 2 (22.6 for 32 x 32); a round Gaussian
    blob of energy with standard deviation d about 2.10 d. A floor of noise under a blob hardly matters as long as the
    blob holds more than half of the energy; a mean distance from the centre would be the floor's, which lies farther
    out. How many pixels carry energy (a participation ratio) would not ask whether they lie together.

    Args:
        weights: `(units, H, W, C)` float.

    Returns:
        `(units,)`; a unit without any weight counts as spread evenly.

    Raises:
        ValueError: If the weights have another shape.
    """
    weights = np.asarray(weights, np.float64)
    if weights.ndim != 4 or 0 in weights.shape:
        raise ValueError(f"expected weights (units, H, W, C). Received: shape {weights.shape}")
    sums = _running_sums((weights**2).sum(axis=-1))  # (units, H + 1, W + 1)
    height, width = weights.shape[1:3]
    areas = np.full(len(weights), np.nan)
    before, area_before = np.zeros(len(weights)), 0
    for side in range(1, max(height, width) + 1):
        down, right = min(side, height), min(side, width)
        inside = sums[:, down:, right:] - sums[:, :-down, right:] - sums[:, down:, :-right] + sums[:, :-down, :-right]
        share, area = inside.max(axis=(1, 2)), down * right
        now = np.isnan(areas) & (share >= HALF - 1e-9)
        part = (HALF - before[now]) / (share[now] - before[now])
        areas[now] = area_before + part * (area - area_before)
        before, area_before = share, area
    sides: NDArray[np.float64] = np.maximum(1.0, np.sqrt(areas))
    return sides


def random_side(shape: tuple[int, int, int]) -> float:
    """The same side for weights drawn at random, the mean over many units: where most trainings begin.

    Args:
        shape: Height, width and channels.
    """
    drawn = np.random.default_rng(0).normal(size=(_RANDOM_UNITS, *shape))
    return float(half_energy_sides(drawn).mean())


def begun_side(shape: tuple[int, int, int], units: int, sigma_pixels: float) -> float:
    """The same side of a middling unit where units begin near, as in `models/bottleneck_mlp.py`: before any training.

    Args:
        shape: Height, width and channels.
        units: How many the first layer has.
        sigma_pixels: The standard deviation of the Gaussian around a unit's place, by which its random weights were
            multiplied.
    """
    near = gaussian_window(pixel_positions(shape), unit_positions(units, shape[0], shape[1]), sigma_pixels)
    begun = near * np.random.default_rng(0).uniform(-1, 1, near.shape)
    return float(np.median(half_energy_sides(begun.T.reshape(units, *shape))))


def _running_sums(energy: Array) -> Array:
    """`(units, H + 1, W + 1)`: the share of a unit's energy above and left of each corner."""
    total = energy.sum(axis=(1, 2), keepdims=True)
    share = np.divide(energy, total, out=np.full_like(energy, 1 / energy[0].size), where=total > 0)
    return np.pad(share, ((0, 0), (1, 0), (1, 0))).cumsum(axis=1).cumsum(axis=2)
