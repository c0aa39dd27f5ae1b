"""How the loss changes with the pixels: the gradient that attacks climb and saliency maps show, on any backend."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifarlab.records import Array

Gradient = Callable[[Any, Any], Any]


def input_gradient(model: Any) -> Callable[[Array, Array], NDArray[np.float32]]:
    """The gradient of each image's cross-entropy with respect to its pixels, in inference mode.

    The function is traced once for each batch shape: keep it, and give it batches of one shape.

    Args:
        model: A `keras.Model`: `(N, H, W, C)` raw pixels in, `(N, K)` logits out.

    Returns:
        `(N, H, W, C)` pixels, 0 to 255, and `(N,)` int labels to `(N, H, W, C)` float32, in nats per grey level.
    """
    gradient = loss_gradient(model)

    def compute(images: Array, labels: Array) -> NDArray[np.float32]:
        import keras

        found = gradient(images.astype(np.float32), labels.astype(np.int32))
        return np.asarray(keras.ops.convert_to_numpy(found), np.float32)

    return compute


def loss_gradient(model: Any) -> Gradient:
    """As `input_gradient`, for those who go on computing on the device.

    Args:
        model: A `keras.Model`.

    Returns:
        `(N, H, W, C)` float32 and `(N,)` int32, arrays or tensors, to a `(N, H, W, C)` float32 tensor of Keras's
        current backend.
    """
    import keras

    return {"tensorflow": _on_tensorflow, "jax": _on_jax, "torch": _on_torch}[keras.backend.backend()](model)


def _total_loss(labels: Any, logits: Any) -> Any:
    """Summed over the batch, so that each image's gradient is its own."""
    import keras

    logits = keras.ops.cast(logits, "float32")
    losses = keras.ops.sparse_categorical_crossentropy(labels, logits, from_logits=True)
    return keras.ops.sum(losses)


def _on_tensorflow(model: Any) -> Gradient:
    import tensorflow as tf

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def gradient(images: Any, labels: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(images)
            loss = _total_loss(labels, model(images, training=False))
        return tape.gradient(loss, images)

    return lambda images, labels: gradient(tf.convert_to_tensor(images), tf.convert_to_tensor(labels))


def _on_jax(model: Any) -> Gradient:
    import jax

    def loss(images: Any, labels: Any, trainable: Any, other: Any) -> Any:
        return _total_loss(labels, model.stateless_call(trainable, other, images, training=False)[0])

    compiled = jax.jit(jax.grad(loss))
    trainable = [variable.value for variable in model.trainable_variables]
    other = [variable.value for variable in model.non_trainable_variables]
    return lambda images, labels: compiled(images, labels, trainable, other)


def _on_torch(model: Any) -> Gradient:
    import keras
    import torch

    def gradient(images: Any, labels: Any) -> Any:
        pixels = keras.ops.convert_to_tensor(images).detach().clone().requires_grad_(True)
        with torch.enable_grad():
            loss = _total_loss(keras.ops.convert_to_tensor(labels), model(pixels, training=False))
        return torch.autograd.grad(loss, pixels)[0]  # the weights' own gradients are left alone

    return gradient
