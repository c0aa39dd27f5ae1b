"""What the random layers share: one random state, a variable of theirs, numbers drawn from it, and rectangles."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops


class RandomLayer(keras.layers.Layer):
    """A layer that changes each image of a batch by its own chance.

    Keras tracks the random state as a variable of the layer, so that it goes into the checkpoint with the weights: a
    resumed training draws what the interrupted one would have drawn. (Keras's own random layers keep a state each.)

    Args:
        random: The random state, which several layers may share.
    """

    def __init__(self, random: keras.random.SeedGenerator, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed_generator = random

    def uniform(self, images: Any, low: float = 0.0, *, rank: int = 4) -> Any:
        """One number an image, uniform between `low` and 1: `(B,)`, with `rank` 4 `(B, 1, 1, 1)`."""
        shape = (ops.shape(images)[0], *(1,) * (rank - 1))
        return keras.random.uniform(shape, low, 1.0, seed=self.seed_generator)


def inside_rectangle(images: Any, centres: Sequence[Any], sides: Sequence[Any]) -> Any:
    """1 in a rectangle of each image, 0 around it: `(B, H, W, 1)`.

    Args:
        images: `(B, H, W, C)`.
        centres: From the top and from the left in pixels, `(B, 1, 1, 1)` each.
        sides: Height and width in pixels, likewise or a number; what lies outside the image is cut off.
    """
    inside = ops.ones_like(images[..., :1])
    for axis, centre, side in zip((1, 2), centres, sides, strict=True):
        shape = [1, 1, 1, 1]
        shape[axis] = images.shape[axis]
        positions = ops.reshape(ops.arange(images.shape[axis], dtype="float32") + 0.5, shape)  # of pixels' centres
        inside = inside * ops.cast(ops.abs(positions - centre) < side / 2, images.dtype)
    return inside
