"""Change the brightness and contrast of training images on the device, batch by batch."""

from typing import Any

import keras
from keras import ops

MID_GREY = 127.5


class Relight(keras.layers.Layer):
    """Give each image another brightness and contrast, by its own chance; values may leave the range 0 to 255.

    Args:
        brightness_factor: Add a number uniform in `[-255 * factor, 255 * factor]`.
        contrast_factor: Multiply distances from mid-grey by a number uniform in `[1 - factor, 1 + factor]`.
        random: The random state, which several layers may share.
    """

    def __init__(
        self, brightness_factor: float, contrast_factor: float, random: keras.random.SeedGenerator, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.brightness_factor = brightness_factor
        self.contrast_factor = contrast_factor
        self.seed_generator = random

    def call(self, images: Any) -> Any:
        """Change a batch.

        Args:
            images: `(B, H, W, C)` float32, 0 to 255.

        Returns:
            `(B, H, W, C)` float32.
        """
        contrast = 1 + self.contrast_factor * self._between_minus_one_and_one(images)
        brightness = 255 * self.brightness_factor * self._between_minus_one_and_one(images)
        return images * contrast + ((1 - contrast) * MID_GREY + brightness)

    def _between_minus_one_and_one(self, images: Any) -> Any:
        """One number an image, `(B, 1, 1, 1)`."""
        return keras.random.uniform((ops.shape(images)[0], 1, 1, 1), -1.0, 1.0, seed=self.seed_generator)
