"""Spatter on the lens: drops of water at three severities, mud at two.

The original finds the rims of the drops by OpenCV. Here its edge detector (Canny 1986) and its equalisation of the
histogram are made again in NumPy and SciPy; distances are exact, where OpenCV's are close.
"""

import numpy as np
from scipy import ndimage

from cifarlab.evaluation.robustness.corruptions._edges import edges, equalise
from cifarlab.evaluation.robustness.corruptions._filters import box3, correlate, gaussian
from cifarlab.evaluation.robustness.corruptions._pixels import to_pixels, to_unit
from cifarlab.evaluation.robustness.corruptions._random import ImageRandom
from cifarlab.utils.arrays import Array

BENCHMARK = False
CONSTANTS = (
    (0.62, 0.1, 0.7, 0.7, 0.5, "water"),
    (0.65, 0.1, 0.8, 0.7, 0.5, "water"),
    (0.65, 0.3, 1.0, 0.69, 0.5, "water"),
    (0.65, 0.1, 0.7, 0.69, 0.6, "mud"),
    (0.65, 0.1, 0.5, 0.68, 0.6, "mud"),
)
"""Mean, deviation and smoothness of the liquid, the least that is seen, strength (of mud: its blur), and what it is."""

_WATER = np.array([175, 238, 238], np.float32) / 255
_MUD = np.array([63, 42, 20], np.float32) / 255
_RELIEF = np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]])


def apply(images: Array, constant: tuple[float, float, float, float, float, str], random: ImageRandom) -> Array:
    """Water shines where the relief of its drops does; mud covers."""
    mean, deviation, smoothness, least, strength, kind = constant
    clean = to_unit(images)
    liquid = gaussian(mean + deviation * random.normal(*images.shape[1:3]), smoothness)
    liquid = np.where(liquid < least, 0, liquid)
    if kind == "mud":
        cover = gaussian((liquid > least).astype(np.float32), strength)
        cover = np.where(cover < 0.8, 0, cover)[..., None]
        return to_pixels(clean * (1 - cover) + _MUD * cover)
    drops = to_pixels(liquid)
    shine = drops * _relief(drops)
    shine *= strength / np.maximum(shine.max(axis=(1, 2), keepdims=True), 1e-9)
    return to_pixels(clean + shine[..., None] * _WATER)


def _relief(drops: Array) -> Array:
    """`(N, H, W)` uint8 drops to float32, 0 to 255: lit from one side, from the distance to their rims."""
    rims = edges(drops, low=50, high=150)
    # A step from picture to picture is so long that no rim of another one is ever the nearest.
    distance = ndimage.distance_transform_edt(~rims, sampling=(1e4, 1, 1)) if rims.any() else np.full(rims.shape, 20.0)
    near = np.minimum(distance, 20).astype(np.float32)
    even = equalise(box3(near).astype(np.uint8))
    lit = np.clip(correlate(even.astype(np.float32), _RELIEF), 0, 255)
    return np.rint(box3(lit))
