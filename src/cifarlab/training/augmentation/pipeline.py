"""Random changes to training images, made on the device, batch by batch."""

from typing import Any

import keras

from cifarlab.recipes import Recipe
from cifarlab.training.augmentation.mixup_cutmix import MixUpCutMix
from cifarlab.training.augmentation.random_affine import RandomAffine
from cifarlab.training.augmentation.random_brightness_contrast import RandomBrightnessContrast
from cifarlab.training.augmentation.random_cutout import RandomCutout
from cifarlab.training.augmentation.random_translation import RandomTranslation
from cifarlab.training.requirements import check_pixels, one_size_only


def add_augmentation(model: keras.Model, recipe: Recipe) -> dict[int, keras.Model]:
    """`model` behind the recipe's augmentation, from uint8 pixels to logits, once for each size it is trained at.

    Where images are mixed, each image's own share is a second output.

    All share the model's own layers, and one random state.

    Returns:
        By image height in pixels; the model's own height is always among them.

    Raises:
        CifarlabError: If a shift or a square is not smaller than the image, or the model cannot take a smaller one.
    """
    height, width, channels = model.input_shape[1:]
    check_pixels(recipe, (height, width, channels))
    # One state for all layers and sizes: it is a variable of the trained network, and so part of the checkpoint.
    random = keras.random.SeedGenerator(recipe.seed)
    inputs = keras.Input((height, width, channels), dtype="uint8")
    models = {}
    for pixels in sorted({height, *recipe.image_pixels}):
        images, shares = _changed(inputs, recipe, random, (pixels, round(pixels * width / height)))
        try:
            logits = _sharing(model, images)
            models[pixels] = keras.Model(inputs, [logits, *shares] if shares else logits, name="augmented")
        except ValueError as error:
            raise one_size_only(recipe) from error
    return models


def _changed(
    inputs: Any, recipe: Recipe, random: keras.random.SeedGenerator, size: tuple[int, int]
) -> tuple[Any, list[Any]]:
    """Images `(B, *size, C)` float32 after all changes and, where they are mixed, each one's own share `(B,)`."""
    # The order decides what a seed draws. Mixing comes last, so that its two images are changed independently.
    images = _moved(inputs, recipe, random, size)
    # All in float32 also under mixed bfloat16, which has 8 bits for the 256 grey levels and none for those between.
    if recipe.brightness_factor or recipe.contrast_factor:
        factors = recipe.brightness_factor, recipe.contrast_factor
        images = RandomBrightnessContrast(*factors, random, name="brightness_contrast", dtype="float32")(images)
    if recipe.cutout_pixels:
        share = recipe.cutout_pixels / inputs.shape[1]
        images = RandomCutout(share, random, name="cutout", dtype="float32")(images)
    if not (recipe.mixup_alpha or recipe.cutmix_alpha):
        return images, []
    alphas = recipe.mixup_alpha, recipe.cutmix_alpha
    images, own = MixUpCutMix(*alphas, random, name="mixup_cutmix", dtype="float32")(images)
    return images, [own]


def _moved(images: Any, recipe: Recipe, random: keras.random.SeedGenerator, size: tuple[int, int]) -> Any:
    """Shifted and shrunk; where images are also turned or stretched, all at once, and not by whole pixels only."""
    shift = recipe.translate_pixels
    if recipe.rotate_degrees or recipe.zoom_factor:
        affine = RandomAffine(recipe.rotate_degrees, recipe.zoom_factor, shift, random, name="affine", dtype="float32")
        images, shift = affine(images), 0
    return RandomTranslation(shift, random, size, name="translation", dtype="float32")(images)


def _sharing(model: keras.Model, pixels: Any) -> Any:
    """The model's logits for other pixels, through the same layers."""
    # Another graph of the very same layers: another input size needs one, and so do the faster twins of layers.
    twin = keras.models.clone_model(model, input_tensors=keras.Input(pixels.shape[1:]), clone_function=_training_layer)
    return twin(pixels)


def _training_layer(layer: keras.layers.Layer) -> keras.layers.Layer:
    """The layer itself, or a faster one with the same variables where the backend has it."""
    if keras.backend.backend() != "tensorflow":
        return layer
    from cifarlab.training.tensorflow_layers import faster

    return faster(layer)
