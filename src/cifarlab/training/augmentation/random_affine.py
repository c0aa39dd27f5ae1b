"""Training images turned, stretched and shifted a little in one go, on the device."""

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from cifarlab.training.augmentation._random_layer import RandomLayer


class RandomAffine(RandomLayer):
    """Turn and stretch each image about its centre and shift it, by its own chance; the edges are reflected.

    Height and width are stretched independently, so that proportions change too. Between pixels values are
    interpolated bilinearly. `keras.layers.RandomRotation`, `RandomZoom` and `RandomTranslation` in one, so that pixels
    are blurred once and not three times.

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
        super().__init__(random, **kwargs)
        self.rotate_degrees = rotate_degrees
        self.zoom_factor = zoom_factor
        self.translate_pixels = translate_pixels

    def call(self, images: Any) -> Any:
        """Change a batch.

        Args:
            images: `(B, H, W, C)`, 0 to 255.

        Returns:
            `(B, H, W, C)` float32.
        """
        # The order of the draws is part of a seed's result: angle, heights, widths, shifts; each (B,).
        angle = math.radians(self.rotate_degrees) * self.uniform(images, -1.0, rank=1)
        stretch = math.log1p(self.zoom_factor)
        tall, wide = (ops.exp(stretch * self.uniform(images, -1.0, rank=1)) for _ in range(2))
        shifts = [self.translate_pixels * self.uniform(images, -1.0, rank=1) for _ in range(2)]
        return ops.image.affine_transform(
            ops.cast(images, "float32"),
            _transforms(angle, (tall, wide), shifts, images.shape[1:3]),
            interpolation="bilinear",
            fill_mode="reflect",
            data_format="channels_last",
        )


def _transforms(angle: Any, stretch: tuple[Any, Any], shift: Sequence[Any], size: tuple[int, int]) -> Any:
    """`(B, 8)`: where each place of the new image is looked up in the old, as `keras.ops.image` wants it.

    Stretch, shift and size are given for the rows, then for the columns.

    The matrix leads from the new image to the old: it is the inverse of what happens to the picture, which is why
    stretches divide.
    """
    cosine, sine = ops.cos(angle), ops.sin(angle)
    down = [sine / stretch[0], cosine / stretch[0]]  # the old row, from the new column and row
    across = [cosine / stretch[1], -sine / stretch[1]]
    # Places are those of pixels' middles, from 0: about size / 2 a turn would shift the image by half a pixel too.
    row, column = ((pixels - 1) / 2 for pixels in size)
    moved_down = row + shift[0] - down[0] * column - down[1] * row
    moved_across = column + shift[1] - across[0] * column - across[1] * row
    zero = ops.zeros_like(angle)
    # Keras's order: a0 a1 a2 give the old column, b0 b1 b2 the old row, c0 c1 the perspective, of which there is none.
    return ops.stack([*across, moved_across, *down, moved_down, zero, zero], axis=1)
