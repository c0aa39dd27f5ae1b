"""A deep dense network: one layer over the whole picture, then residual blocks that widen and narrow again.

Inverted bottlenecks without convolutions or patches: Bachmann, Anagnostidis and Hofmann 2023, Scaling MLPs,
arXiv:2306.13575. Layer normalisation: arXiv:1607.06450. GELU: arXiv:1606.08415. Stochastic depth: arXiv:1603.09382.
"""

import keras
from keras import layers


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

    Returns:
        A functional model from pixels `(B, H, W, C)` to logits `(B, K)` float32.
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
    return keras.Model(inputs, logits, name="bottleneck_mlp")


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
