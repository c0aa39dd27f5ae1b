"""A deep dense network: one layer over the whole picture, then residual blocks that widen and narrow again.

Inverted bottlenecks without convolutions or patches: Bachmann, Anagnostidis and Hofmann 2023, Scaling MLPs,
arXiv:2306.13575. Layer normalisation: arXiv:1607.06450. GELU: arXiv:1606.08415. Stochastic depth: arXiv:1603.09382.
"""

from collections.abc import Iterator, Sequence

import keras
import numpy as np
from keras import layers

from cifarlab.models._arguments import check_argument, check_arguments
from cifarlab.models._unit_positions import gaussian_window, pixel_positions, unit_positions
from cifarlab.utils.arrays import Array

# What `cifarlab tune` varies by default, as `--range` and `--choice` take it.
SEARCH_SPACE = {
    "width": "512,1024",
    "blocks": "1..6",
    "dropout": "0.0..0.3",
    "drop_path": "0.0..0.3",
    "norm": "layer,batch",
}
ARGUMENTS = {
    "width": "count",
    "blocks": "count or none",
    "expansion": "count",
    "dropout": "rate",
    "input_dropout": "rate",
    "drop_path": "rate",
    "activation": "activation",
    "norm": ("layer", "batch"),
    "sigma_pixels": "distances",
    "far_learning_rate_scale": "scale",
}


def build(
    input_shape: tuple[int, int, int],
    num_classes: int,
    *,
    width: int = 1024,
    blocks: int = 3,
    expansion: int = 4,
    dropout: float = 0.0,
    input_dropout: float = 0.0,
    drop_path: float = 0.0,
    activation: str = "gelu",
    norm: str = "layer",
    sigma_pixels: Sequence[float] = (),
    far_learning_rate_scale: float = 1.0,
) -> keras.Model:
    """A dense layer over all pixels, `blocks` residual blocks, and a linear layer.

    Args:
        input_shape: Height, width and channels of the raw pixels, 0 to 255.
        num_classes: K.
        width: Units between the blocks.
        blocks: How many residual blocks.
        expansion: A block's inner layer has this many times the width.
        dropout: Rate inside every block.
        input_dropout: Rate on the pixels themselves.
        drop_path: Chance that a whole block is left out for an image; it rises from 0 before the first block.
        activation: A Keras activation's name.
        norm: `"layer"` or `"batch"`, before each block and the last layer.
        sigma_pixels: How far each layer's units see when training begins, from the pixels upwards, the last number for
            all layers above; empty, as far as the image. Only the initial weights know it: see `initialise_locally`.
        far_learning_rate_scale: With `sigma_pixels`, the share of the learning rate that a weight farthest from its
            unit's position learns with; in between it falls as the initial weights do. 1: all learn alike.

    Returns:
        A functional model from pixels `(B, H, W, C)` to logits `(B, K)` float32.

    Raises:
        ValueError: If an argument is none of its kind in `ARGUMENTS`, or the scale is below 1 without any sigma.
    """
    check_arguments(ARGUMENTS, locals())
    inputs = keras.Input(input_shape, name="pixels")
    x = layers.Rescaling(1 / 63.75, offset=-2.0, name="normalise")(inputs)  # about the spread that pixels have
    x = layers.Flatten(name="flatten")(x)  # (B, H * W * C)
    if input_dropout:
        x = layers.Dropout(input_dropout, name="input_dropout")(x)
    x = layers.Dense(width, name="pixels_dense")(x)  # (B, width) from here to the last layer
    for number in range(1, blocks + 1):
        x = _block(x, f"block{number}", expansion, dropout, drop_path * number / blocks, activation, norm)
    x = _normalised(x, "norm", norm)
    # From zeros: the first loss is ln K, and no unit is favoured by chance.
    logits = layers.Dense(num_classes, kernel_initializer="zeros", dtype="float32", name="logits")(x)
    model = keras.Model(inputs, logits, name="bottleneck_mlp")
    if sigma_pixels:  # after the layers have drawn their weights, which it only reshapes
        initialise_locally(model, sigma_pixels, far_learning_rate_scale)
    return model


def initialise_locally(model: keras.Model, sigma_pixels: Sequence[float], far_learning_rate_scale: float = 1.0) -> None:
    """Give every unit a position in the image, and large initial weights to what lies near; training may change all.

    A unit's random weights are multiplied by a Gaussian of the distance between its position and that of each of its
    inputs, then by one number, so that the sum of their squares stays what it was. The positions fill the image evenly.
    With a scale below 1 the Gaussian also decides how fast a weight learns: an optimizer such as Adam moves every
    weight at about the same pace, whatever its gradient, and what begins near is soon buried under far weights that
    follow noise.

    Args:
        model: What `build` returned; changed in place.
        sigma_pixels: The Gaussians' standard deviations, from the first layer upwards; the last for all above.
        far_learning_rate_scale: s; a weight at Gaussian g learns `s + (1 - s) * g` times as fast as the others (see
            `cifarlab.training.optimizers.learning_rate_scales`).

    Raises:
        ValueError: If a sigma is not above 0, or the scale not above 0 and at most 1.

    Source: dense networks that begin as convolutions, d'Ascoli et al. 2019, arXiv:1906.06766; here without shared
    weights.
    """
    scale = far_learning_rate_scale
    check_argument("far_learning_rate_scale", ARGUMENTS["far_learning_rate_scale"], scale)
    for layer, window in gaussian_windows(model, sigma_pixels):
        kernel = np.array(keras.ops.convert_to_numpy(layer.kernel))  # (inputs, units)
        local = kernel * window
        # A unit's squared weights add up to what they did, so that what it hands on keeps its spread.
        layer.kernel.assign(local * np.sqrt((kernel**2).sum(axis=0) / (local**2).sum(axis=0)))
        if scale < 1:
            layer.kernel.learning_rate_scales = (scale + (1 - scale) * window).astype(np.float32)


def gaussian_windows(model: keras.Model, sigma_pixels: Sequence[float]) -> Iterator[tuple[keras.layers.Dense, Array]]:
    """Every dense layer but the last, with the Gaussian of each weight's distance, from 1 near to 0 far.

    Layers of the same width have their units at the same positions, so that what a block adds to its input meets it
    there.

    Args:
        model: What `build` returned.
        sigma_pixels: The Gaussians' standard deviations, from the first layer upwards; the last for all above. They are
            pixels of the pictures that the network sees: 3 is a tenth of 32 pixels and more than a third of 8.

    Yields:
        A layer and `(inputs, units)` float64, from the pixels upwards.

    Raises:
        ValueError: If a sigma is not above 0.
    """
    check_argument("sigma_pixels", ARGUMENTS["sigma_pixels"], sigma_pixels)
    height, width, _ = model.input_shape[1:]
    inputs = pixel_positions(model.input_shape[1:])
    local = [layer for layer in model.layers if layer.name.endswith(("_dense", "_wide", "_narrow"))]
    for number, layer in enumerate(local):
        units = unit_positions(layer.kernel.shape[1], height, width)
        yield layer, gaussian_window(inputs, units, sigma_pixels[min(number, len(sigma_pixels) - 1)])
        inputs = units


def _block(
    x: keras.KerasTensor, name: str, expansion: int, dropout: float, drop_path: float, activation: str, norm: str
) -> keras.KerasTensor:
    width = x.shape[-1]
    y = _normalised(x, f"{name}_norm", norm)
    y = layers.Dense(expansion * width, kernel_initializer="he_normal", name=f"{name}_wide")(
        y
    )  # (B, expansion * width)
    y = layers.Activation(activation, name=f"{name}_activation")(y)
    if dropout:
        y = layers.Dropout(dropout, name=f"{name}_dropout")(y)
    y = layers.Dense(width, name=f"{name}_narrow")(y)
    if drop_path:
        # One draw for all units of an image.
        y = layers.Dropout(drop_path, noise_shape=(None, 1), name=f"{name}_drop_path")(y)
    return layers.Add(name=f"{name}_add")([x, y])


def _normalised(x: keras.KerasTensor, name: str, norm: str) -> keras.KerasTensor:
    kinds = {"layer": layers.LayerNormalization, "batch": layers.BatchNormalization}
    return kinds[norm](epsilon=1e-5, name=name)(x)
