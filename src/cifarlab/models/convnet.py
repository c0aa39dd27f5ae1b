"""A small convolutional network for training in minutes: whitened 2x2 patches, then groups of 3x3 convolutions.

The network of the CIFAR-10 speed records. Whitening first layer, convolutions that begin as identities, and pooling
before normalisation: Jordan 2024, arXiv:2404.00498, and Page, "How to train your ResNet" (2018). SiLU:
arXiv:1702.03118. Batch normalisation without scale: arXiv:1502.03167.
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers

from cifarlab.models._arguments import check_arguments
from cifarlab.utils.arrays import Array

# What `cifarlab tune` varies by default, as `--range` and `--choice` take it.
SEARCH_SPACE = {
    "widths": "(32, 64, 128);(64, 128, 256);(64, 256, 256)",
    "depth": "2,3",
    "activation": "silu,gelu,relu",
}
ANY_SIZE = True  # what is behind the last layer with places is the same for all: smaller images are taken too
ARGUMENTS = {
    "widths": "counts",
    "depth": (2, 3),
    "activation": "activation",
    "whitening_pixels": "count or none",
    "batch_norm_momentum": "rate",
}

WHITENING_IMAGES = 5000


def build(
    input_shape: tuple[int, int, int],
    num_classes: int,
    *,
    widths: Sequence[int] = (64, 256, 256),
    depth: int = 2,
    activation: str = "silu",
    whitening_pixels: int = 2,
    batch_norm_momentum: float = 0.6,
) -> keras.Model:
    """A whitening layer, one group of convolutions a width, the maximum over all places, and a linear layer.

    Args:
        input_shape: Height, width and channels of the raw pixels, 0 to 255.
        num_classes: K.
        widths: Filters of each group; each group halves height and width.
        depth: Convolutions in a group, 2 or 3; with 3, the last two are bridged by a residual connection.
        activation: A Keras activation's name.
        whitening_pixels: Side of the whitened patches; 0 leaves the whitening layer out.
        batch_norm_momentum: Share of the old statistics that a step keeps.

    Returns:
        A functional model from pixels `(B, H, W, C)` to logits `(B, K)` float32. `adapt` sets its whitening layer.

    Raises:
        ValueError: If an argument is none of its kind in `ARGUMENTS`, or a patch is larger than the image.
    """
    check_arguments(ARGUMENTS, locals())
    inputs = keras.Input(input_shape, name="pixels")
    x = _whitened(inputs, whitening_pixels, activation)  # (B, H - 1, W - 1, 24) for 2 and RGB
    for number, width in enumerate(widths, start=1):  # 32 pixels become 31, and 15, 7 and 3 after the groups
        x = _group(x, f"group{number}", width, depth, activation, batch_norm_momentum)
    x = layers.GlobalMaxPooling2D(name="pool")(x)  # (B, widths[-1])
    head = keras.initializers.RandomNormal(stddev=1 / x.shape[-1])
    logits = layers.Dense(num_classes, use_bias=False, kernel_initializer=head, dtype="float32", name="logits")(x)
    model = keras.Model(inputs, logits, name="convnet")
    _begin_as_identities(model)
    return model


def adapt(model: keras.Model, images: Array, smallest_variance: float = 5e-4) -> None:
    """Set the frozen whitening layer, if any, from images: patches come out uncorrelated, each with its negative.

    Args:
        model: What `build` returned; changed in place.
        images: `(N, H, W, C)` uint8; the first `WHITENING_IMAGES` are used.
        smallest_variance: Added to the variance of every direction, so that noise is not blown up.

    Source: Jordan 2024, arXiv:2404.00498, section 3.1.
    """
    if "whiten" not in [layer.name for layer in model.layers]:
        return
    scale, whiten = model.get_layer("normalise"), model.get_layer("whiten")
    side = whiten.kernel_size[0]
    pixels = images[:WHITENING_IMAGES].astype(np.float32) * scale.scale + scale.offset
    windows = np.lib.stride_tricks.sliding_window_view(pixels, (side, side), axis=(1, 2))  # (N, h, w, C, side, side)
    patches = windows.transpose(0, 1, 2, 4, 5, 3).reshape(-1, side * side * pixels.shape[-1])
    mean = patches.mean(axis=0, dtype=np.float64)  # (side * side * C,); float32 would lose digits over millions of rows
    covariance = patches.T @ patches / len(patches) - np.outer(mean, mean)
    variances, directions = np.linalg.eigh(covariance)  # the columns are the directions
    weights = directions / np.sqrt(np.maximum(variances, 0) + smallest_variance)
    kernel = np.concatenate([weights, -weights], axis=1)
    # The bias takes the mean off: W (patch - mean) is W patch - W mean.
    whiten.set_weights([kernel.reshape(whiten.kernel.shape), -mean @ kernel])


def _whitened(inputs: Any, side: int, activation: str) -> Any:
    # In float32, because whitening subtracts nearly equal numbers.
    x = layers.Rescaling(1 / 64, offset=-2.0, dtype="float32", name="normalise")(inputs)
    if not side:
        return x
    filters = 2 * side**2 * inputs.shape[-1]  # every direction in which patches vary, and its negative
    x = layers.Conv2D(filters, side, trainable=False, dtype="float32", name="whiten")(x)
    return layers.Activation(activation, name="whiten_activation")(x)


def _group(x: Any, name: str, width: int, depth: int, activation: str, momentum: float) -> Any:
    """Convolution, pooling, and `depth - 1` convolutions more, each followed by normalisation and activation."""
    x = _convolution(x, f"{name}_conv1", width)
    padding = "valid" if min(x.shape[1:3]) > 1 else "same"
    x = layers.MaxPooling2D(2, padding=padding, name=f"{name}_pool")(x)
    x = bridge = _normalised(x, f"{name}_norm1", activation, momentum)
    for number in range(2, depth + 1):
        x = _convolution(x, f"{name}_conv{number}", width)
        if number == 3:
            x = layers.BatchNormalization(momentum=momentum, epsilon=1e-5, scale=False, name=f"{name}_norm3")(x)
            x = layers.Activation(activation, name=f"{name}_activation3")(layers.Add(name=f"{name}_add")([x, bridge]))
        else:
            x = _normalised(x, f"{name}_norm{number}", activation, momentum)
    return x


def _convolution(x: Any, name: str, width: int) -> Any:
    # Uniform within 1 / sqrt(inputs) either way: torch's default for convolutions, with which the source begins.
    noise = keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform")
    return layers.Conv2D(width, 3, padding="same", use_bias=False, kernel_initializer=noise, name=name)(x)


def _normalised(x: Any, name: str, activation: str, momentum: float) -> Any:
    x = layers.BatchNormalization(momentum=momentum, epsilon=1e-5, scale=False, name=name)(x)
    return layers.Activation(activation, name=name.replace("norm", "activation"))(x)


def _begin_as_identities(model: keras.Model) -> None:
    """Let the first filters of every 3x3 convolution hand on its input channels unchanged (arXiv:2404.00498)."""
    for layer in model.layers:
        if isinstance(layer, layers.Conv2D) and layer.trainable:
            kernel = np.array(keras.ops.convert_to_numpy(layer.kernel))  # (3, 3, inputs, outputs)
            same = min(kernel.shape[2:])
            kernel[..., :same] = 0  # the other filters, if there are more than inputs, keep their noise
            kernel[1, 1, range(same), range(same)] = 1
            layer.kernel.assign(kernel)
