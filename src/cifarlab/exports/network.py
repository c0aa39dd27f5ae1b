"""The network that is exported: pixels in, logits and probabilities out, in float32, on any backend.

Called in processes of their own, see `apart`: Keras is imported inside the functions.
"""

from collections.abc import Callable
from typing import Any

from cifarlab.inference.onnx_files import LOGITS, PIXELS, PROBABILITIES
from cifarlab.utils.arrays import Array
from cifarlab.utils.images import Pixels

Answer = Callable[[Pixels], tuple[Array, Array]]
"""An opened file: `(N, H, W, C)` uint8, any N, to logits and probabilities, `(N, K)` float32 each."""


def exportable(model: Any, temperature: float = 1.0, dtype: str = "uint8") -> Any:
    """A network with the same weights that takes bytes, and gives probabilities beside the logits.

    Bytes, and not floats, since numbers from 0 to 1 would be taken without a word and answered wrongly.

    Args:
        model: A `keras.Model`, `(N, H, W, C)` raw pixels in and `(N, K)` logits out; computes in float32 from then on.
        temperature: By which the logits are divided for the probabilities.
        dtype: Of the pixels, for a format that has no bytes.

    Returns:
        A `keras.Model`: `(N, H, W, C)` of that type in; `{"logits": (N, K), "probabilities": (N, K)}` float32 out.
    """
    import keras

    pixels = keras.Input(model.input_shape[1:], dtype=dtype, name=PIXELS)
    logits = in_float32(model)(keras.ops.cast(pixels, "float32"), training=False)
    probabilities = keras.ops.softmax(logits / temperature, axis=-1)
    made = keras.Model(pixels, {LOGITS: logits, PROBABILITIES: probabilities}, name="exported")
    made.trainable = False
    return made


def in_float32(model: Any) -> Any:
    """The model itself, every layer of which computes in float32 from now on.

    Variables are float32 under mixed precision too, so that no weight changes.
    """
    import keras

    for layer in _layers(model):
        if layer.dtype_policy.compute_dtype != "float32":
            layer.dtype_policy = keras.DTypePolicy("float32")
    return model


def computes_in(model: Any) -> str:
    """`"float32"`, or the lower precision that some layer computes in."""
    found = {layer.dtype_policy.compute_dtype for layer in _layers(model)} - {"float32"}
    return min(found, default="float32")


def _layers(model: Any) -> list[Any]:
    """The model, and all in it that has a precision."""
    return list(model._flatten_layers())  # also those that a layer holds as attributes, which `layers` has not
