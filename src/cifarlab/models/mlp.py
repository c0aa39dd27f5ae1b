"""A fully connected network: every pixel is connected to every unit of the first layer.

Dropout: Srivastava et al. 2014, Journal of Machine Learning Research 15, 1929-1958.
Initialisation: He et al. 2015, arXiv:1502.01852.
"""

from collections.abc import Sequence

import keras

from cifarlab.models._arguments import check_arguments

# What `cifarlab tune` varies by default, as `--range` and `--choice` take it.
SEARCH_SPACE = {
    "widths": "(512, 256, 128);(1024, 512);(1024, 512, 256);(2048,)",
    "dropout": "0.0..0.5",
    "input_dropout": "0.0..0.2",
}
ARGUMENTS = {"widths": "counts", "dropout": "rate or rates", "input_dropout": "rate", "activation": "activation"}


def build(
    input_shape: tuple[int, int, int],
    num_classes: int,
    *,
    widths: Sequence[int] = (512, 256, 128),
    dropout: float | Sequence[float] = 0.0,
    input_dropout: float = 0.0,
    activation: str = "relu",
) -> keras.Model:
    """Dense layers, each followed by an activation and, where the rate is above 0, dropout.

    Args:
        input_shape: Height, width and channels of the raw pixels, 0 to 255.
        num_classes: K.
        widths: Units of each hidden layer.
        dropout: Rate after each hidden layer; one number for all, or one a layer.
        input_dropout: Rate on the pixels themselves.
        activation: A Keras activation's name.

    Returns:
        A functional model from pixels `(B, H, W, C)` to logits `(B, K)` float32.

    Raises:
        ValueError: If an argument is none of its kind in `ARGUMENTS`, or there are as many rates as neither one nor the
            layers.
    """
    check_arguments(ARGUMENTS, locals())
    rates = tuple(dropout) if isinstance(dropout, Sequence) else (dropout,) * len(widths)  # one a layer
    inputs = keras.Input(input_shape, name="pixels")
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0, name="normalise")(inputs)  # [-1, 1]
    x = keras.layers.Flatten(name="flatten")(x)  # (B, H * W * C)
    if input_dropout:
        x = keras.layers.Dropout(input_dropout, name="dropout0")(x)
    for number, (width, rate) in enumerate(zip(widths, rates, strict=True), start=1):
        x = keras.layers.Dense(width, kernel_initializer="he_normal", name=f"dense{number}")(x)  # (B, width)
        x = keras.layers.Activation(activation, name=f"{activation}{number}")(x)
        if rate:  # its random state is a variable of the layer: part of every checkpoint
            x = keras.layers.Dropout(rate, name=f"dropout{number}")(x)
    # float32 also under mixed precision: softmax and loss of bfloat16 logits would have two digits.
    logits = keras.layers.Dense(num_classes, dtype="float32", name="logits")(x)
    return keras.Model(inputs, logits, name="mlp")
