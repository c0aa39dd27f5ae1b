"""A deep dense network: one layer over the whole picture, then residual blocks that widen and narrow again.

Inverted bottlenecks without convolutions or patches: Bachmann, Anagnostidis and Hofmann 2023, Scaling MLPs,
arXiv:2306.13575. Layer normalisation: arXiv:1607.06450. GELU: arXiv:1606.08415. Stochastic depth: arXiv:1603.09382.
"""

from collections.abc import Iterator, Sequence

import keras
import numpy as np
from keras import layers

from cifarlab.models._unit_positions import even_places, nearness, pixel_places
from cifarlab.utils.arrays import Array


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
    reach_pixels: Sequence[float] = (),
    far_rate: float = 1.0,
) -> keras.Model:
    """A dense layer over all pixels, `blocks` residual blocks, and a linear layer.

    Args:
        input_shape: Height, width and channels of the raw pixels, 0 to 255.
        num_classes: K.
        width: Units between the blocks.
        blocks: How many.
        expansion: A block's inner layer has this many times the width.
        dropout: Rate inside every block.
        input_dropout: Rate on the pixels themselves.
        drop_path: Chance that a whole block is left out for an image; it rises from 0 before the first block.
        activation: A Keras activation's name.
        norm: `"layer"` or `"batch"`, before each block and the last layer.
        reach_pixels: How far each layer's units reach when training begins, from the pixels upwards, the last number
            for all layers above; empty, as far as the image. Only the initial weights know it: see `begin_local`.
        far_rate: Where units begin near, the share of the learning rate that a weight farthest from its unit's place
            learns with; in between it falls as the initial weights do. 1: all learn alike.

    Returns:
        A functional model from pixels `(B, H, W, C)` to logits `(B, K)` float32.

    Raises:
        ValueError: If the norm is unknown, a reach is no number above 0, or `far_rate` not above 0 and at most 1, or
            below 1 without any reach.
    """
    inputs = keras.Input(input_shape, name="pixels")
    x = layers.Rescaling(1 / 63.75, offset=-2.0, name="normalise")(inputs)  # about the spread that pixels have
    x = layers.Flatten(name="flatten")(x)  # (B, H * W * C)
    if input_dropout:
        x = layers.Dropout(input_dropout, name="input_dropout")(x)
    x = layers.Dense(width, name="pixels_dense")(x)
    for number in range(1, blocks + 1):
        x = _block(x, f"block{number}", expansion, dropout, drop_path * number / blocks, activation, norm)
    x = _normalised(x, "norm", norm)
    logits = layers.Dense(num_classes, kernel_initializer="zeros", dtype="float32", name="logits")(x)
    model = keras.Model(inputs, logits, name="bottleneck_mlp")
    if reach_pixels:
        begin_local(model, reach_pixels, far_rate)
    elif far_rate != 1:
        raise ValueError(f"far_rate needs reach_pixels, which say what is far. Received: far_rate={far_rate!r}")
    return model


def begin_local(model: keras.Model, reach_pixels: Sequence[float], far_rate: float = 1.0) -> None:
    """Give every unit a place in the image, and large initial weights to what lies near it; training may change all.

    A unit's random weights are multiplied by a Gaussian of the distance between its place and that of each of its
    inputs, then by one number, so that the sum of their squares stays what it was. The places fill the image evenly.
    With `far_rate` below 1 the Gaussian also decides how fast a weight learns: an optimizer such as Adam moves every
    weight at about the same pace, whatever its gradient, and what begins near is soon buried under far weights that
    follow noise.

    Args:
        model: What `build` returned; changed in place.
        reach_pixels: The Gaussians' standard deviations, from the first layer upwards; the last for all above.
        far_rate: A weight at Gaussian g learns `far_rate + (1 - far_rate) * g` times as fast as the others
            (`cifarlab.training.optimizers.rate_factors`).

    Raises:
        ValueError: If a reach is not above 0, or `far_rate` not above 0 and at most 1.

    Source: dense networks that begin as convolutions, d'Ascoli et al. 2019, arXiv:1906.06766; here without shared
    weights.
    """
    if not (isinstance(far_rate, (int, float)) and 0 < far_rate <= 1):
        raise ValueError(f"far_rate must be a number above 0 and at most 1. Received: {far_rate!r}")
    for layer, near in near_weights(model, reach_pixels):
        kernel = np.array(keras.ops.convert_to_numpy(layer.kernel))
        begun = kernel * near
        layer.kernel.assign(begun * np.sqrt((kernel**2).sum(axis=0) / (begun**2).sum(axis=0)))
        if far_rate < 1:
            layer.kernel.rate_factors = (far_rate + (1 - far_rate) * near).astype(np.float32)


def near_weights(model: keras.Model, reach_pixels: Sequence[float]) -> Iterator[tuple[keras.layers.Dense, Array]]:
    """Every dense layer but the last, with the Gaussian of each weight's distance, from 1 near to 0 far.

    Layers of the same width have their units in the same places, so that what a block adds to its input meets it there.

    Args:
        model: What `build` returned.
        reach_pixels: The Gaussians' standard deviations, from the first layer upwards; the last for all above. They are
            pixels of the pictures that the network sees: 3 is a tenth of 32 pixels and more than a third of 8.

    Yields:
        A layer and `(inputs, units)` float64, from the pixels upwards.

    Raises:
        ValueError: If a reach is not above 0.
    """
    is_list = isinstance(reach_pixels, (list, tuple))
    if not (is_list and all(isinstance(reach, (int, float)) and reach > 0 for reach in reach_pixels)):
        wanted = "reach_pixels must be a list of numbers above 0, such as (3, 4, 5, 8)"
        raise ValueError(f"{wanted}. Received: {reach_pixels!r}")
    height, width, _ = model.input_shape[1:]
    inputs = pixel_places(model.input_shape[1:])
    reaching = [layer for layer in model.layers if layer.name.endswith(("_dense", "_wide", "_narrow"))]
    for number, layer in enumerate(reaching):
        units = even_places(layer.kernel.shape[1], height, width)
        yield layer, nearness(inputs, units, reach_pixels[min(number, len(reach_pixels) - 1)])
        inputs = units


def _block(
    x: keras.KerasTensor, name: str, expansion: int, dropout: float, drop_path: float, activation: str, norm: str
) -> keras.KerasTensor:
    width = x.shape[-1]
    y = _normalised(x, f"{name}_norm", norm)
    y = layers.Dense(expansion * width, kernel_initializer="he_normal", name=f"{name}_wide")(y)
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
    if norm not in kinds:
        raise ValueError(f"norm must be layer or batch. Received: {norm!r}")
    return kinds[norm](epsilon=1e-5, name=name)(x)
