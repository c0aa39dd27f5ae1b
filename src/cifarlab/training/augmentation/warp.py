"""Training images turned, stretched and shifted a little in one go, on the device."""

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops


class Warp(keras.layers.Layer):
    """Turn and stretch each image about its centre and shift it, by its own chance; the edges are reflected.

    Height and width are stretched independently, so that proportions change too. Between pixels values are
    interpolated bilinearly.

    Args:
        rotate_degrees: Turn by an angle uniform in `[-n, n]`.
        zoom_factor: Stretch by a factor between `1 / (1 + f)` and `1 + f`, its logarithm uniform.
        translate_pixels: Then shift by numbers of pixels uniform in `[-n, n]`, in both directions.
        random: The random state, which several layers may share.

    Source: deformed training images for dense networks, Ciresan et al. 2010, arXiv:1003.0358.
    """

    def __init__(
        self,
        rotate_degrees: float,
        zoom_factor: float,
        translate_pixels: float,
        random: keras.random.SeedGenerator,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.rotate_degrees = rotate_degrees
        self.zoom_factor = zoom_factor
        self.translate_pixels = translate_pixels
        self.seed_generator = random

    def call(self, images: Any) -> Any:
        """Change a batch.

        Args:
            images: `(B, H, W, C)`, 0 to 255.

        Returns:
            `(B, H, W, C)` float32.
        """
        angle = math.radians(self.rotate_degrees) * self._between_minus_one_and_one(images)
        stretch = math.log1p(self.zoom_factor)
        tall, wide = (ops.exp(stretch * self._between_minus_one_and_one(images)) for _ in range(2))
        shifts = [self.translate_pixels * self._between_minus_one_and_one(images) for _ in range(2)]
        return ops.image.affine_transform(
            ops.cast(images, "float32"),
            _transforms(angle, (tall, wide), shifts, images.shape[1:3]),
            interpolation="bilinear",
            fill_mode="reflect",
            data_format="channels_last",
        )

    def _between_minus_one_and_one(self, images: Any) -> Any:
        """One number an image, `(B,)`."""
        return keras.random.uniform((ops.shape(images)[0],), -1.0, 1.0, seed=self.seed_generator)


def _transforms(angle: Any, stretch: tuple[Any, Any], shift: Sequence[Any], size: tuple[int, int]) -> Any:
    """`(B, 8)`: where each place of the new image is looked up in the old, as `keras.ops.image` wants it.

    Stretch, shift and size are given for the rows, then for the columns.
    """
    cosine, sine = ops.cos(angle), ops.sin(angle)
    down = [sine / stretch[0], cosine / stretch[0]]  # the old row, from the new column and row
    across = [cosine / stretch[1], -sine / stretch[1]]
    row, column = ((pixels - 1) / 2 for pixels in size)
    moved_down = row + shift[0] - down[0] * column - down[1] * row
    moved_across = column + shift[1] - across[0] * column - across[1] * row
    zero = ops.zeros_like(angle)
    return ops.stack([*across, moved_across, *down, moved_down, zero, zero], axis=1)
