"""A model of your own: raw pixels in, logits out, normalisation as its first layer.

cifarlab train smoke --set model=examples/own_model.py --set model.dropout=0.2
"""

from collections.abc import Sequence

import keras


def build(
    input_shape: tuple[int, int, int], num_classes: int, *, widths: Sequence[int] = (64,), dropout: float = 0.1
) -> keras.Model:
    """Maxout layers (arXiv:1302.4389): each unit is the larger of two dense ones."""
    inputs = keras.Input(input_shape)
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0)(inputs)
    x = keras.layers.Flatten()(x)
    for width in widths:
        x = keras.layers.Maximum()([keras.layers.Dense(width)(x), keras.layers.Dense(width)(x)])
        x = keras.layers.Dropout(dropout)(x)
    return keras.Model(inputs, keras.layers.Dense(num_classes)(x))
