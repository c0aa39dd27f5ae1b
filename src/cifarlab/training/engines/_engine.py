"""What an engine is, which one the backend needs, and what all of them share."""

from collections.abc import Mapping
from typing import Any, Protocol

import keras
import numpy as np

from cifarlab.datasets import ImageSet
from cifarlab.utils import discovery
from cifarlab.utils.arrays import Array


class Engine(Protocol):
    """Steps of a model on a device."""

    def run(self, indices: Array, pixels: int) -> tuple[Array, Array]:
        """Take one step a row.

        Args:
            indices: `(S, B)` int32, rows of the training images; from N on, mirrored (see `with_mirror_images`).
            pixels: Height of the images in these steps.

        Returns:
            Loss of each image `(S, B)` float32, and whether it was classified right `(S, B)` bool, both as the step
            met it: augmented, before the update.
        """

    def logits(self) -> Array:
        """`(V, K)` float32 for the validation images."""

    def synchronise(self) -> None:
        """Bring the model's and the optimizer's Keras variables up to date."""


def build_engine(
    model: keras.Model,
    trained: Mapping[int, keras.Model],
    optimizer: keras.optimizers.Optimizer,
    train: ImageSet,
    validation: ImageSet,
    label_smoothing: float,
    mirror: bool,
) -> Engine:
    """The engine of Keras's current backend.

    Args:
        model: Pixels to logits.
        trained: The same model behind its augmentation, uint8 pixels in, by the height it works at.
        optimizer: Built for the model's trainable variables.
        train: Goes to the device whole.
        validation: Likewise; may be empty.
        label_smoothing: See `objective`.
        mirror: Whether any image is ever mirrored.
    """
    module = discovery.load("training.engines", keras.backend.backend())
    engine: Engine = module.BackendEngine(model, trained, optimizer, train, validation, label_smoothing, mirror)
    return engine


def in_batches(images: Array, batch_size: int = 2500) -> list[tuple[int, int]]:
    """First and last row of each piece of `images`, at most `batch_size` rows each."""
    return [(start, min(start + batch_size, len(images))) for start in range(0, len(images), batch_size)]


def device_labels(image_set: ImageSet) -> Any:
    """Labels as the engines want them: `(N,)` int32."""
    return image_set.labels.astype(np.int32)
