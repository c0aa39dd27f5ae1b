"""Pixels as fractions and back, and colours as hue, saturation and value."""

import numpy as np

from cifarlab.utils.arrays import Array


def to_unit(images: Array) -> Array:
    """uint8 as float32 in `[0, 1]`."""
    return images.astype(np.float32) / np.float32(255)


def to_pixels(images: Array) -> Array:
    """Fractions as uint8: cut at 0 and 1, and what follows the point dropped, as CIFAR-10-C does.

    A value that is whole but for rounding errors stays whole.
    """
    scaled = np.clip(images, 0, 1) * 255
    return np.asarray(scaled + 1e-4).astype(np.uint8)


def luminance(images: Array) -> Array:
    """`(N, H, W, 3)` to `(N, H, W, 1)`: ITU-R BT.601."""
    grey: Array = images @ np.array([0.299, 0.587, 0.114], images.dtype)
    return grey[..., None]


def with_value(images: Array, change: float) -> Array:
    """HSV's value raised by `change`, hue and saturation kept.

    Value is the largest channel, and the others keep their proportion to it; black, which has no hue, becomes grey.

    Args:
        images: `(N, H, W, 3)` float in `[0, 1]`.
        change: Added to the value, which is then cut at 0 and 1.
    """
    value = images.max(axis=-1, keepdims=True)
    wanted = np.clip(value + change, 0, 1)
    scaled: Array = np.where(value > 0, images / np.maximum(value, 1e-9), 1) * wanted
    return scaled


def with_saturation(images: Array, factor: float, change: float) -> Array:
    """HSV's saturation times `factor` plus `change`, hue and value kept.

    The distance of each channel from the largest one is proportional to the saturation. Grey has saturation 0 and, by
    convention, the hue of red.

    Args:
        images: `(N, H, W, 3)` float in `[0, 1]`.
        factor: Of the saturation.
        change: Added to it, which is then cut at 0 and 1.
    """
    value = images.max(axis=-1, keepdims=True)
    distance = value - images
    largest = distance.max(axis=-1, keepdims=True)
    saturation = largest / np.maximum(value, 1e-9)
    wanted = np.clip(saturation * factor + change, 0, 1)
    towards_red = np.broadcast_to(np.array([0, 1, 1], images.dtype), images.shape)
    direction = np.where(largest > 0, distance / np.maximum(largest, 1e-9), towards_red)
    return np.asarray(value - direction * wanted * value)
