"""Random changes to training images, made on the device, batch by batch."""

from typing import Any

import keras
import numpy as np
from keras import ops

from cifarlab.recipes import Recipe
from cifarlab.training.mixing import Mix
from cifarlab.training.warping import Warp
from cifarlab.utils.arrays import Array
from cifarlab.utils.errors import CifarlabError

MID_GREY = 127.5


class Augment(keras.layers.Layer):
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
        super().__init__(**kwargs)
        self.translate_pixels = translate_pixels
        self.size = size
        self.seed_generator = random

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
                wanted = "pi,biwc->bpwc" if axis == 1 else "pi,bhic->bhpc"
                images = ops.einsum(wanted, shrinking_matrix(images.shape[axis], pixels), images)
        return images

    def _shifted(self, images: Any, axis: int, pixels: int) -> Any:
        """Each image moved along `axis` by its own number of pixels and shrunk: one matrix product an image."""
        size, most = images.shape[axis], self.translate_pixels
        count = ops.shape(images)[0]
        shift = keras.random.randint((count, 1), -most, most + 1, seed=self.seed_generator)
        wanted = ops.abs(ops.expand_dims(ops.arange(size, dtype="int32"), 0) + ops.cast(shift, "int32"))  # (B, size)
        source = ops.where(wanted >= size, 2 * (size - 1) - wanted, wanted)
        chosen = ops.one_hot(source, size, dtype=images.dtype)  # (B, size, size)
        if pixels != size:
            chosen = ops.einsum("pi,bij->bpj", shrinking_matrix(size, pixels), chosen)
        return ops.einsum("bij,bjwc->biwc" if axis == 1 else "bij,bhjc->bhic", chosen, images)


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


def with_mirror_images(images: Array, mirror: bool) -> Array:
    """What an engine keeps on its device: the images and, where any is ever mirrored, all of them mirrored after them.

    Twice the memory, but then a mirrored image is a row like any other: mirroring batch by batch costs a dense network
    a tenth of its time.

    Args:
        images: `(N, H, W, C)` uint8.
        mirror: Whether any is ever mirrored.

    Returns:
        `(N, H, W, C)`, or `(2 * N, H, W, C)`, where row `N + i` is image i mirrored left to right.
    """
    return np.concatenate([images, images[:, :, ::-1]]) if mirror else images


def mirrored(recipe: Recipe, epoch: int, count: int) -> Array:
    """Which images are mirrored in an epoch, from the seed and the epoch's number alone.

    Args:
        recipe: Its `flip` decides: `"random"` draws anew every epoch, `"alternating"` draws once and turns every
            image over from epoch to epoch, so that both sides are seen equally often (arXiv:2404.00498).
        epoch: From 1.
        count: How many images.

    Returns:
        `(count,)` bool.
    """
    if recipe.flip == "none":
        return np.zeros(count, bool)
    drawn = 1 if recipe.flip == "alternating" else epoch
    first = np.random.default_rng([recipe.seed, drawn, 1]).random(count) < 0.5
    turned: Array = first ^ ((epoch - drawn) % 2 == 1)
    return turned


def augmented(model: keras.Model, recipe: Recipe) -> dict[int, keras.Model]:
    """`model` behind the recipe's augmentation, from uint8 pixels to logits, once for each size it is trained at.

    Where images are mixed, each image's own share is a second output.

    All share the model's own layers, and one random state.

    Returns:
        By image height in pixels; the model's own height is always among them.

    Raises:
        CifarlabError: If the shift is not smaller than the image, or the model cannot take a smaller one.
    """
    height, width, channels = model.input_shape[1:]
    if recipe.translate_pixels >= min(height, width):
        raise CifarlabError(
            f"translate_pixels must be below {min(height, width)}, the size of the images. "
            f"Received: {recipe.translate_pixels}"
        )
    too_large = [pixels for pixels in recipe.image_pixels if pixels > height]
    if too_large:
        raise CifarlabError(f"image_pixels must be at most {height}, the images' height. Received: {too_large[0]}")
    random = keras.random.SeedGenerator(recipe.seed)
    inputs = keras.Input((height, width, channels), dtype="uint8")
    found = {}
    for pixels in sorted({height, *recipe.image_pixels}):
        size = (pixels, round(pixels * width / height))
        images = _moved(inputs, recipe, random, size)
        if recipe.brightness_factor or recipe.contrast_factor:
            relight = Relight(recipe.brightness_factor, recipe.contrast_factor, random, name="relight", dtype="float32")
            images = relight(images)
        shares = []
        if recipe.mixup_alpha or recipe.cutmix_alpha:
            images, share = Mix(recipe.mixup_alpha, recipe.cutmix_alpha, random, name="mix", dtype="float32")(images)
            shares = [share]
        try:
            logits = _sharing(model, images)
            found[pixels] = keras.Model(inputs, [logits, *shares] if shares else logits, name="augmented")
        except ValueError as error:
            raise CifarlabError(
                f"model {recipe.model} takes images of one size only: image_pixels must be empty. "
                f"Received: {recipe.image_pixels}"
            ) from error
    return found


def _moved(images: Any, recipe: Recipe, random: keras.random.SeedGenerator, size: tuple[int, int]) -> Any:
    """Shifted and shrunk; where images are also turned or stretched, all at once, and not by whole pixels only."""
    shift = recipe.translate_pixels
    if recipe.rotate_degrees or recipe.zoom_factor:
        warp = Warp(recipe.rotate_degrees, recipe.zoom_factor, shift, random, name="warp", dtype="float32")
        images, shift = warp(images), 0
    return Augment(shift, random, size, name="augment", dtype="float32")(images)


def _sharing(model: keras.Model, pixels: Any) -> Any:
    """The model's logits for other pixels, through the same layers."""
    twin = keras.models.clone_model(model, input_tensors=keras.Input(pixels.shape[1:]), clone_function=_training_layer)
    return twin(pixels)


def _training_layer(layer: keras.layers.Layer) -> keras.layers.Layer:
    """The layer itself, or a faster one with the same variables where the backend has it."""
    if keras.backend.backend() != "tensorflow":
        return layer
    from cifarlab.training.tensorflow_layers import faster

    return faster(layer)
