"""What the random layers share: one random state, a variable of theirs, and numbers drawn from it for each image."""

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
