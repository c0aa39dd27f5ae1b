"""Shift and shrink training images on the device, batch by batch."""

from typing import Any

import keras
import numpy as np
from keras import ops

from cifarlab.training.augmentation._random_layer import RandomLayer
from cifarlab.utils.arrays import Array


class RandomTranslation(RandomLayer):
    """Shift each image by its own chance, and shrink the batch; the random state is a variable of the layer.

    Args:
        translate_pixels: Shift by a whole number of pixels, uniform in `[-n, n]`, in both directions; the
            uncovered edge shows the image's own reflection.
        random: The random state, which several layers may share.
        size: Height and width of the result, at most the images' own; by default those.
    """

    def __init__(
        self,
        translate_pixels: int,
        random: keras.random.SeedGenerator,
        size: tuple[int, int] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(random, **kwargs)
        self.translate_pixels = translate_pixels
        self.size = size

    def call(self, images: Any) -> Any:
        """Change a batch.

        Args:
            images: `(B, H, W, C)` uint8.

        Returns:
            `(B, *size, C)` float32, 0 to 255.
        """
        height, width = self.size or images.shape[1:3]
        images = ops.cast(images, "float32")
        for axis, pixels in ((1, height), (2, width)):
            if self.translate_pixels:
                images = self._shifted(images, axis, pixels)
            elif pixels != images.shape[axis]:
                product = "pi,biwc->bpwc" if axis == 1 else "pi,bhic->bhpc"
                images = ops.einsum(product, shrinking_matrix(images.shape[axis], pixels), images)
        return images

    def _shifted(self, images: Any, axis: int, pixels: int) -> Any:
        """Each image moved along `axis` by its own number of pixels and shrunk: one matrix product an image.

        A product with a matrix of zeros and ones, and not a gather: so shrinking is a factor of the same matrix.
        """
        size, most = images.shape[axis], self.translate_pixels
        count = ops.shape(images)[0]
        shift = keras.random.randint((count, 1), -most, most + 1, seed=self.seed_generator)
        # (B, size): where each new pixel is looked up; what lies before the near edge counts back by its sign.
        places = ops.abs(ops.expand_dims(ops.arange(size, dtype="int32"), 0) + ops.cast(shift, "int32"))
        # Likewise past the far edge. The edge itself is not repeated: one pixel outside shows the second one inside.
        source = ops.where(places >= size, 2 * (size - 1) - places, places)
        chosen = ops.one_hot(source, size, dtype=images.dtype)  # (B, size, size)
        if pixels != size:
            chosen = ops.einsum("pi,bij->bpj", shrinking_matrix(size, pixels), chosen)
        return ops.einsum("bij,bjwc->biwc" if axis == 1 else "bij,bhjc->bhic", chosen, images)


def shrinking_matrix(size: int, pixels: int) -> Array:
    """Weights of the old pixels in the new, a triangle as wide as a new pixel on either side (Pillow's `BILINEAR`).

    Args:
        size: Old number of pixels.
        pixels: New number, at most `size`.

    Returns:
        `(pixels, size)` float32, rows sum to 1.
    """
    ratio = size / pixels
    centres = (np.arange(pixels) + 0.5) * ratio - 0.5
    weights = np.maximum(0, 1 - np.abs(np.arange(size)[None] - centres[:, None]) / ratio)
    matrix: Array = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return matrix
