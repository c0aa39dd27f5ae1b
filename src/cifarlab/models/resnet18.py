"""ResNet-18 as papers use it on CIFAR-10: a 3x3 stem instead of ImageNet's, four stages of two basic blocks.

He et al. 2015, arXiv:1512.03385; the small-image form, 11.2 million parameters, is the one that later papers share.
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from cifarlab.models._arguments import check_arguments

# What `cifarlab tune` varies by default, as `--range` and `--choice` take it.
SEARCH_SPACE = {
    "widths": "(32, 64, 128, 256);(64, 128, 256, 512)",
    "blocks": "1..3",
}
ANY_SIZE = True  # what is behind the last layer with places is the same for all: smaller images are taken too
ARGUMENTS = {"widths": "counts, one at least", "blocks": "count or none"}


def build(
    input_shape: tuple[int, int, int],
    num_classes: int,
    *,
    widths: Sequence[int] = (64, 128, 256, 512),
    blocks: int = 2,
) -> keras.Model:
    """A stem, stages of residual blocks that halve the image from the second on, the mean over all places.

    Args:
        input_shape: Height, width and channels of the raw pixels, 0 to 255.
        num_classes: K.
        widths: Filters of each stage.
        blocks: Basic blocks in each stage.

    Returns:
        A functional model from pixels `(B, H, W, C)` to logits `(B, K)` float32.

    Raises:
        ValueError: If an argument is none of its kind in `ARGUMENTS`.
    """
    check_arguments(ARGUMENTS, locals())
    inputs = keras.Input(input_shape, name="pixels")
    x = layers.Rescaling(1 / 64, offset=-2.0, name="normalise")(inputs)
    x = _normalised(_convolution(x, widths[0], 3, 1, "stem"), "stem_norm")
    x = layers.Activation("relu", name="stem_relu")(x)  # (B, H, W, widths[0]): no stride and no pooling in the stem
    for stage, width in enumerate(widths, start=1):
        for block in range(1, blocks + 1):
            strides = 2 if stage > 1 and block == 1 else 1
            x = _basic_block(x, width, strides, f"stage{stage}_block{block}")  # 32 pixels become 32, 16, 8, 4
    x = layers.GlobalAveragePooling2D(name="pool")(x)  # (B, H / 8, W / 8, widths[-1]) -> (B, widths[-1])
    logits = layers.Dense(num_classes, dtype="float32", name="logits")(x)
    return keras.Model(inputs, logits, name="resnet18")


def _basic_block(x: Any, width: int, strides: int, name: str) -> Any:
    """Two convolutions beside a bridge, which is a 1x1 convolution where the shape changes."""
    bridge = x
    if strides > 1 or x.shape[-1] != width:
        bridge = _normalised(_convolution(x, width, 1, strides, f"{name}_bridge"), f"{name}_bridge_norm")
    x = _normalised(_convolution(x, width, 3, strides, f"{name}_conv1"), f"{name}_norm1")
    x = layers.Activation("relu", name=f"{name}_relu1")(x)
    x = _normalised(_convolution(x, width, 3, 1, f"{name}_conv2"), f"{name}_norm2")
    return layers.Activation("relu", name=f"{name}_relu2")(layers.Add(name=f"{name}_add")([x, bridge]))


def _convolution(x: Any, width: int, side: int, strides: int, name: str) -> Any:
    return layers.Conv2D(
        width, side, strides, padding="same", use_bias=False, kernel_initializer="he_normal", name=name
    )(x)


def _normalised(x: Any, name: str) -> Any:
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=name)(x)
