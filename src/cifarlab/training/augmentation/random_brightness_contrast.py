"""Change the brightness and contrast of training images on the device, batch by batch."""

from typing import Any

import keras

from cifarlab.training.augmentation._random_layer import RandomLayer

MID_GREY = 127.5


class RandomBrightnessContrast(RandomLayer):
    """Give each image another brightness and contrast, by its own chance; values may leave the range 0 to 255.

    `keras.layers.RandomBrightness` and `RandomContrast` in one; contrast is about mid-grey and not the image's mean.

    Args:
        brightness_factor: Add a number uniform in `[-255 * factor, 255 * factor]`.
        contrast_factor: Multiply distances from mid-grey by a number uniform in `[1 - factor, 1 + factor]`.
        random: The random state, which several layers may share.
    """

    def __init__(
        self, brightness_factor: float, contrast_factor: float, random: keras.random.SeedGenerator, **kwargs: Any
    ) -> None:
        super().__init__(random, **kwargs)
        self.brightness_factor = brightness_factor
        self.contrast_factor = contrast_factor

    def call(self, images: Any) -> Any:
        """Change a batch.

        Args:
            images: `(B, H, W, C)` float32, 0 to 255.

        Returns:
            `(B, H, W, C)` float32.
        """
        contrast = 1 + self.contrast_factor * self.uniform(images, -1.0)  # (B, 1, 1, 1); drawn before brightness
        brightness = 255 * self.brightness_factor * self.uniform(images, -1.0)
        # One product and one sum a pixel: what does not depend on the pixel is computed once an image.
        return images * contrast + ((1 - contrast) * MID_GREY + brightness)
