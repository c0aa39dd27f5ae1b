"""Fog: clouds made by the diamond-square algorithm lie over the picture."""

import numpy as np

from cifarlab.evaluation.robustness.corruptions._pixels import to_pixels, to_unit
from cifarlab.evaluation.robustness.corruptions._random import ImageRandom
from cifarlab.utils.arrays import Array

BENCHMARK = True
CONSTANTS = ((0.2, 3.0), (0.5, 3.0), (0.75, 2.5), (1.0, 2.0), (1.5, 1.75))
"""How thick the fog is, and by how much each finer level of the clouds is weaker."""


def apply(images: Array, constant: tuple[float, float], random: ImageRandom) -> Array:
    """Brightness is scaled back to that of the brightest pixel."""
    thickness, decay = constant
    clean = to_unit(images)
    height, width = images.shape[1:3]
    side = 1 << (max(height, width) - 1).bit_length()
    clouds = _clouds(side, decay, random)[:, :height, :width, None]
    brightest = clean.max(axis=(1, 2, 3), keepdims=True)
    return to_pixels((clean + thickness * clouds) * brightest / (brightest + thickness))


def _clouds(side: int, decay: float, random: ImageRandom) -> Array:
    """`(N, side, side)` float32 from 0 to 1, the right edge continuing at the left and the lower at the upper.

    Squares get the mean of their corners, then diamonds that of theirs, each with a random part that is weaker from
    level to level. As in CIFAR-10-C, a diamond sees the corners to its left and right where it should, on vertical
    edges, see those above and below.
    """
    clouds = np.zeros((len(random), side, side), np.float32)
    step, wobble = side, 100.0
    while step >= 2:
        half, cells = step // 2, side // step
        # The random part is between -wobble and wobble, times wobble again: so the constants were chosen.
        chance = wobble**2 * random.uniform(3, cells, cells, low=-1, high=1)
        corners = clouds[:, ::step, ::step]
        pairs = corners + np.roll(corners, -1, axis=1)
        centres = (pairs + np.roll(pairs, -1, axis=2)) / 4 + chance[:, 0]
        beside = corners + np.roll(corners, -1, axis=2)
        clouds[:, half::step, half::step] = centres
        clouds[:, ::step, half::step] = (centres + np.roll(centres, 1, axis=1) + beside) / 4 + chance[:, 1]
        clouds[:, half::step, ::step] = (centres + np.roll(centres, 1, axis=2) + beside) / 4 + chance[:, 2]
        step, wobble = half, wobble / decay
    clouds -= clouds.min(axis=(1, 2), keepdims=True)
    return np.asarray(clouds / clouds.max(axis=(1, 2), keepdims=True))
