"""A model as one compiled function of a batch, on whatever backend Keras has."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifarlab.inference.call_bounds import pictures_at_once
from cifarlab.utils.arrays import full_batches
from cifarlab.utils.images import Pixels

Forward = Callable[[Pixels], NDArray[np.float32]]


def compile_forward(model: Any) -> Forward:
    """The model as one compiled function of a batch, faster than `model.predict`, on Keras's current backend.

    The function is traced once for each batch shape: keep it, and give it batches of one shape.

    Args:
        model: A `keras.Model`.

    Returns:
        `(B, H, W, C)` uint8 to `(B, K)` float32, both NumPy. It uses the weights the model has now. Of more pictures
        than fit into the memory that `limits` allow, it takes so many at once as do.
    """
    import keras

    compilers = {"tensorflow": _compile_tensorflow, "jax": _compile_jax, "torch": _compile_torch}
    forward, most = compilers[keras.backend.backend()](model), pictures_at_once(model)
    return lambda images: apply_in_batches(forward, images, most) if len(images) > most else forward(images)


def apply_in_batches(forward: Forward, images: Pixels, batch_size: int) -> NDArray[np.float32]:
    """A forward function of any number of images, in batches of one shape.

    Args:
        forward: `(B, H, W, C)` uint8 to `(B, K)` float32.
        images: `(N, H, W, C)` uint8, N at least 1.
        batch_size: B, at most.

    Returns:
        `(N, K)` float32.
    """
    return np.concatenate([forward(images[rows])[:new] for rows, new in full_batches(len(images), batch_size)])


def _compile_tensorflow(model: Any) -> Forward:
    import keras
    import tensorflow as tf

    # Without AutoGraph: Keras's layers need no rewriting, and it would parse Python, see `utils.syntax`.
    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def forward(images: Any) -> Any:
        return keras.ops.cast(model(images, training=False), "float32")

    return lambda images: np.asarray(forward(tf.convert_to_tensor(images)))


def _compile_jax(model: Any) -> Forward:
    import jax
    import keras

    def forward(trainable: Any, other: Any, images: Any) -> Any:
        return keras.ops.cast(model.stateless_call(trainable, other, images, training=False)[0], "float32")

    compiled = jax.jit(forward)
    # Copied references: the function goes on with these weights when the model is trained further.
    trainable = [variable.value for variable in model.trainable_variables]
    other = [variable.value for variable in model.non_trainable_variables]
    return lambda images: np.asarray(compiled(trainable, other, images))


def _compile_torch(model: Any) -> Forward:
    import keras
    import torch

    def forward(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        with torch.no_grad():
            logits = keras.ops.cast(model(keras.ops.convert_to_tensor(images), training=False), "float32")
        return np.asarray(logits.cpu().numpy(), np.float32)

    return forward
