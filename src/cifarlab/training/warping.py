"""Training images turned and stretched a little, on the device."""

import math
from typing import Any

import keras
from keras import ops


class Warp(keras.layers.Layer):
    """Turn and stretch each image about its centre, by its own chance; what comes in at the edges is reflected.

    Height and width are stretched independently, so that proportions change too. Between pixels values are
    interpolated bilinearly.

    Args:
        rotate_degrees: Turn by an angle uniform in `[-n, n]`.
        zoom_factor: Stretch by a factor between `1 / (1 + f)` and `1 + f`, its logarithm uniform.
        random: The random state, which several layers may share.

    Source: deformed training images for dense networks, Ciresan et al. 2010, arXiv:1003.0358.
    """

    def __init__(
        self, rotate_degrees: float, zoom_factor: float, random: keras.random.SeedGenerator, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.rotate_degrees = rotate_degrees
        self.zoom_factor = zoom_factor
        self.seed_generator = random

    def call(self, images: Any) -> Any:
        """Change a batch.

        Args:
            images: `(B, H, W, C)` float32.

        Returns:
            `(B, H, W, C)` float32.
        """
        angle = math.radians(self.rotate_degrees) * self._between_minus_one_and_one(images)
        stretch = math.log1p(self.zoom_factor)
        tall, wide = (ops.exp(stretch * self._between_minus_one_and_one(images)) for _ in range(2))
        return ops.image.affine_transform(
            images,
            _transforms(angle, tall, wide, *images.shape[1:3]),
            interpolation="bilinear",
            fill_mode="reflect",
            data_format="channels_last",
        )

    def _between_minus_one_and_one(self, images: Any) -> Any:
        """One number an image, `(B,)`."""
        return keras.random.uniform((ops.shape(images)[0],), -1.0, 1.0, seed=self.seed_generator)


def _transforms(angle: Any, tall: Any, wide: Any, height: int, width: int) -> Any:
    """`(B, 8)`: where each place of the new image is looked up in the old, as `keras.ops.image` wants it."""
    cosine, sine = ops.cos(angle), ops.sin(angle)
    across = [cosine / wide, -sine / wide]  # the old column, from the new column and row
    down = [sine / tall, cosine / tall]
    centre = [(width - 1) / 2, (height - 1) / 2]
    moved = [
        own - turned[0] * centre[0] - turned[1] * centre[1] for own, turned in zip(centre, (across, down), strict=True)
    ]
    zero = ops.zeros_like(angle)
    return ops.stack([*across, moved[0], *down, moved[1], zero, zero], axis=1)
