"""Random changes to training images, made on the device, batch by batch."""

from typing import Any

import keras
from keras import ops

from cifarlab.errors import CifarlabError
from cifarlab.recipe import Recipe


class Augment(keras.layers.Layer):
    """Mirror and shift each image by its own chance; the random state is a variable of the layer.

    Args:
        flip: Mirror left-right with probability 1/2.
        translate_pixels: Shift by a whole number of pixels, uniform in `[-n, n]`, in both directions; the
            uncovered edge shows the image's own reflection.
        seed: Start of the random state.
    """

    def __init__(self, flip: bool, translate_pixels: int, seed: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.flip = flip
        self.translate_pixels = translate_pixels
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, images: Any) -> Any:
        """Change a batch; mirroring comes first, while a pixel is still one byte.

        Args:
            images: `(B, H, W, C)` uint8.

        Returns:
            The same shape, float32, 0 to 255.
        """
        if self.flip:
            images = self._mirrored(images)
        images = ops.cast(images, "float32")
        if self.translate_pixels:
            images = self._shifted(images, axis=1)
            images = self._shifted(images, axis=2)
        return images

    def _mirrored(self, images: Any) -> Any:
        """Each image or its mirror image. Rows are picked by number, because `where` on bytes costs ten times that."""
        count = ops.shape(images)[0]
        mirror = keras.random.uniform((count,), seed=self.seed_generator) < 0.5
        rows = ops.arange(count, dtype="int32") + count * ops.cast(mirror, "int32")
        return ops.take(ops.concatenate([images, ops.flip(images, axis=2)]), rows, axis=0)

    def _shifted(self, images: Any, axis: int) -> Any:
        """Each image moved along `axis` by its own number of pixels: one product with a 0-1 matrix an image."""
        size, most = images.shape[axis], self.translate_pixels
        count = ops.shape(images)[0]
        shift = keras.random.randint((count, 1), -most, most + 1, seed=self.seed_generator)
        wanted = ops.abs(ops.expand_dims(ops.arange(size, dtype="int32"), 0) + ops.cast(shift, "int32"))  # (B, size)
        source = ops.where(wanted >= size, 2 * (size - 1) - wanted, wanted)
        chosen = ops.one_hot(source, size, dtype=images.dtype)  # (B, size, size)
        return ops.einsum("bij,bjwc->biwc" if axis == 1 else "bij,bhjc->bhic", chosen, images)


def augmented(model: keras.Model, recipe: Recipe) -> keras.Model:
    """`model` behind the recipe's augmentation, from uint8 pixels to logits.

    Raises:
        CifarlabError: If the shift is not smaller than the image.
    """
    smallest = min(model.input_shape[1:3])
    if recipe.translate_pixels >= smallest:
        raise CifarlabError(
            f"translate_pixels must be below {smallest}, the images' size. Received: {recipe.translate_pixels}"
        )
    inputs = keras.Input(model.input_shape[1:], dtype="uint8")
    changed = Augment(recipe.flip, recipe.translate_pixels, seed=recipe.seed, name="augment", dtype="float32")(inputs)
    return keras.Model(inputs, model(changed), name="augmented")
