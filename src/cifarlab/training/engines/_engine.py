"""What an engine is, which one the backend needs, and what all of them share."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from cifarlab.datasets import ImageSet
from cifarlab.training.augmentation.flip import with_mirror_images
from cifarlab.utils import discovery
from cifarlab.utils.arrays import Array

VALIDATION_BATCH = 2500  # images; the last batch may be smaller


class Engine(ABC):
    """Steps of a model on a device, which holds all images from the beginning on.

    Args:
        model: Pixels to logits.
        trained: The same model behind its augmentation, uint8 pixels in, by the height it works at. All heights have
            the same variables.
        optimizer: Built for the model's trainable variables.
        train: Goes to the device whole.
        validation: Likewise; empty where nobody asks for logits.
        label_smoothing: See `objective`.
        class_weights: See `objective`; `(K,)` float32, or None.
        mirror: Whether any image is ever mirrored.
        devices: How many share each step's images; what is computed is the same on any number, but for the last digits.
    """

    def __init__(
        self,
        model: keras.Model,
        trained: Mapping[int, keras.Model],
        optimizer: keras.optimizers.Optimizer,
        train: ImageSet,
        validation: ImageSet,
        label_smoothing: float,
        mirror: bool,
        devices: int = 1,
        class_weights: Array | None = None,
    ) -> None:
        self.devices = devices
        self.model = model
        self.trained = trained
        self.optimizer = optimizer
        self.label_smoothing = label_smoothing
        self.class_weights = None if class_weights is None else self.put(class_weights)  # (K,)
        # uint8, a quarter of float32: 50,000 images of CIFAR-10 and their mirror images take 307 MB on the device.
        self.images = self.put(with_mirror_images(train.images, mirror))  # (N or 2 N, H, W, C)
        # Image N + i is image i mirrored, so that its label is found at its row modulo N.
        self.labels = self.put(train.labels.astype(np.int32))  # (N,)
        self.validation = self.put(validation.images)  # (V, H, W, C)

    @classmethod
    def count_devices(cls) -> int:
        """How many devices a training may use: one, where the backend's engine does not know how to use more."""
        return 1

    @classmethod
    def random_states(cls) -> list[Any]:
        """What the backend draws from beside Keras's variables, each read and assigned as these are: here nothing."""
        return []

    @abstractmethod
    def run(self, indices: Array, pixels: int) -> tuple[Array, Array]:
        """Take one step a row.

        Args:
            indices: `(S, B)` int32, rows of the training images; from N on, mirrored (see `with_mirror_images`).
            pixels: Height of the images in these steps.

        Returns:
            Loss of each image `(S, B)` float32, and whether it was classified right `(S, B)` bool, both as the step
            met it: augmented, before the update.
        """

    @abstractmethod
    def put(self, array: Array) -> Any:
        """The same array on the device."""

    @abstractmethod
    def forward(self, images: Any) -> Array:
        """Logits `(B, K)` of some of the validation images, which lie on the device as `(B, H, W, C)` uint8."""

    def logits(self) -> Array:
        """`(V, K)` float32 for the validation images."""
        self.synchronise()
        starts = range(0, len(self.validation), VALIDATION_BATCH)
        parts = [self.forward(self.validation[start : start + VALIDATION_BATCH]) for start in starts]
        result: Array = np.concatenate(parts).astype(np.float32)
        return result

    def synchronise(self) -> None:  # noqa: B027 - only JAX has something to do
        """Bring the model's and the optimizer's Keras variables up to date: nothing to do where the steps use them."""


def engine_class() -> type[Engine]:
    """The engine of Keras's current backend."""
    engine: type[Engine] = discovery.load("training.engines", keras.backend.backend()).BackendEngine
    return engine
