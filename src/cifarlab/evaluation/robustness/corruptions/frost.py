"""Frost: ice crystals on a window.

The original lays crops of five photographs over the pictures. We have none: the textures are synthesised, of feathers
of random direction over slow clouds, and given the mean and the spread of each colour that those photographs have at
the size at which the original uses them. This is the corruption in which ours differs most from CIFAR-10-C's.
"""

from functools import cache

import numpy as np

from cifarlab.evaluation.robustness.corruptions._random import ImageRandom
from cifarlab.utils.arrays import Array

BENCHMARK = True
CONSTANTS = ((1.0, 0.2), (1.0, 0.3), (0.9, 0.4), (0.85, 0.4), (0.75, 0.45))
"""Weight of the picture, and of the frost."""

# Mean and standard deviation of red, green and blue in the photographs frost1 to frost5 of the original, at a fifth of
# their size. The second and the third are the same photograph.
_COLOURS = (
    ((78, 149, 166), (23, 14, 13)),
    ((201, 205, 214), (17, 18, 19)),
    ((201, 205, 214), (17, 18, 19)),
    ((138, 153, 165), (21, 21, 23)),
    ((112, 123, 135), (36, 35, 33)),
)
_SIDE = 256
_SEED = 1_903_12261


def apply(images: Array, constant: tuple[float, float], random: ImageRandom) -> Array:
    """Each picture gets one of five textures, from a place of its own; it goes on at its other side where it ends."""
    picture_weight, frost_weight = constant
    height, width = images.shape[1:3]
    which = random.integers(low=0, high=len(_COLOURS))
    start = random.integers(2, low=0, high=_SIDE)
    rows = (start[:, :1] + np.arange(height)) % _SIDE  # (N, H)
    columns = (start[:, 1:] + np.arange(width)) % _SIDE  # (N, W)
    ice = _textures()[which[:, None, None], rows[:, :, None], columns[:, None, :]]  # (N, H, W, 3)
    return np.clip(np.float32(picture_weight) * images + np.float32(frost_weight) * ice, 0, 255).astype(np.uint8)


@cache
def _textures() -> Array:
    """`(5, side, side, 3)` float32, 0 to 255; the same on every machine."""
    return np.asarray([_texture(number, *colours) for number, colours in enumerate(_COLOURS)])


def _texture(number: int, means: tuple[int, int, int], deviations: tuple[int, int, int]) -> Array:
    random = np.random.default_rng((_SEED, number))
    feathers = np.full((_SIDE, _SIDE), -np.inf)
    for angle in random.uniform(0, np.pi, 7):
        stripes = _smooth_noise(random, along=7.0, across=1.1, angle=float(angle))
        where = _smooth_noise(random, along=18.0, across=18.0, angle=0.0)
        feathers = np.maximum(feathers, np.exp(-(stripes**2) / 0.3) + where)  # a ridge where the noise crosses zero
    grain = _smooth_noise(random, along=0.7, across=0.7, angle=0.0)
    clouds = _smooth_noise(random, along=12.0, across=12.0, angle=0.0)
    ice = 0.9 * _standard(feathers) + 0.5 * clouds + 0.3 * grain
    coloured = np.array(means) + np.array(deviations) * _standard(ice)[..., None]
    return np.asarray(np.clip(coloured, 0, 255), np.float32)


def _smooth_noise(random: np.random.Generator, along: float, across: float, angle: float) -> Array:
    """Noise smoothed by a Gaussian that is longer in one direction; mean 0, deviation 1, and no seam at its edges."""
    frequency = 2 * np.pi * np.fft.fftfreq(_SIDE)
    down, right = frequency[:, None], frequency[None, :]
    lengthwise = right * np.cos(angle) + down * np.sin(angle)
    crosswise = down * np.cos(angle) - right * np.sin(angle)
    window = np.exp(-((along * lengthwise) ** 2 + (across * crosswise) ** 2) / 2)
    noise = np.fft.ifft2(np.fft.fft2(random.standard_normal((_SIDE, _SIDE))) * window).real
    return _standard(noise)


def _standard(values: Array) -> Array:
    return np.asarray((values - values.mean()) / values.std())
