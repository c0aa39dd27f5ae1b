"""Snow: flakes that fall in two opposite directions, over a picture that pales.

The original blurs the flakes by ImageMagick; the same kernel is made here in NumPy.
"""

import numpy as np

from cifarlab.evaluation.robustness.corruptions._filters import motion
from cifarlab.evaluation.robustness.corruptions._pixels import luminance, to_pixels, to_unit
from cifarlab.evaluation.robustness.corruptions._random import ImageRandom
from cifarlab.evaluation.robustness.corruptions._sampling import enlarging, transform
from cifarlab.utils.arrays import Array

BENCHMARK = True
CONSTANTS = (
    (0.1, 0.2, 1.0, 0.6, 8, 3.0, 0.95),
    (0.1, 0.2, 1.0, 0.5, 10, 4.0, 0.9),
    (0.15, 0.3, 1.75, 0.55, 10, 4.0, 0.9),
    (0.25, 0.3, 2.25, 0.6, 12, 6.0, 0.85),
    (0.3, 0.3, 1.25, 0.65, 14, 12.0, 0.8),
)
"""Mean and deviation of the flakes, their size, the least that is seen, radius and sigma of their fall, share of the
picture that does not pale."""

_Constant = tuple[float, float, float, float, float, float, float]


def apply(images: Array, constant: _Constant, random: ImageRandom) -> Array:
    """Flakes fall at 45 to 135 degrees; a copy of them turned by 180 degrees is added."""
    mean, deviation, size, least, radius, sigma, share = constant
    clean = to_unit(images)
    noise = mean + deviation * random.normal(*images.shape[1:3], 1)
    flakes = transform(noise, enlarging(images.shape[1], images.shape[2], size))
    flakes = to_pixels(np.where(flakes < least, 0, flakes)).astype(np.float32)
    angles = random.uniform(low=-135, high=-45)
    falling = np.rint(motion(flakes, radius, sigma, angles)) / 255
    paler = share * clean + (1 - share) * np.maximum(clean, luminance(clean) * 1.5 + 0.5)
    return to_pixels(paler + falling + falling[:, ::-1, ::-1])
