"""Frosted glass: pixels are taken from beside their place, between two blurs.

In the original script a pixel that should be exchanged with its neighbour is overwritten by it instead (what was to be
put back is a view of what has just been overwritten), and the published files were made so. We overwrite likewise.
"""

import numpy as np

from cifarlab.evaluation.robustness.corruptions._filters import gaussian
from cifarlab.evaluation.robustness.corruptions._pixels import to_pixels, to_unit
from cifarlab.evaluation.robustness.corruptions._random import ImageRandom
from cifarlab.evaluation.robustness.corruptions._sampling import gather
from cifarlab.utils.arrays import Array

BENCHMARK = True
CONSTANTS = ((0.05, 1, 1), (0.25, 1, 1), (0.4, 1, 1), (0.25, 1, 2), (0.4, 1, 2))
"""Standard deviation of the blur in pixels, reach of the displacement (1 for all), and how often it is repeated."""


def apply(images: Array, constant: tuple[float, int, int], random: ImageRandom) -> Array:
    """Pixels come from their own place or one above, and from their own or one to the left.

    The original goes from the last pixel to the first, so that it only reads what has not been overwritten yet: all
    pixels of one round can be taken at once. It leaves the first two rows and columns as they are.
    """
    sigma, reach, rounds = constant
    height, width = images.shape[1:3]
    glass = to_pixels(gaussian(to_unit(images), sigma))
    rows, columns = np.mgrid[:height, :width]
    inside = (rows > reach) & (columns > reach)
    for _ in range(rounds):
        back = random.integers(2, height, width, low=-reach, high=reach)  # -1 or 0
        places = np.where(inside, (rows + back[:, 0]) * width + columns + back[:, 1], rows * width + columns)
        glass = gather(glass, places)
    return to_pixels(gaussian(to_unit(glass), sigma))
