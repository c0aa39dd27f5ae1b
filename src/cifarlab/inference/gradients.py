"""How a model's answer changes with its input: what attacks climb and saliency maps show, on any backend."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifarlab.utils.arrays import Array

Gradient = Callable[[Any, Any], Any]
_Total = Callable[[Any, Any], Any]


def score_gradient(model: Any) -> Callable[[Array, Array], NDArray[np.float32]]:
    """The gradient of each image's logit of one class with respect to the model's input, in inference mode.

    Args:
        model: A `keras.Model`, or the last part of one: `(N, ...)` in, `(N, K)` logits out.

    Returns:
        `(N, ...)` inputs and `(N,)` int classes to `(N, ...)` float32.
    """
    gradient = _gradient(model, _total_score)

    def compute(inputs: Array, labels: Array) -> NDArray[np.float32]:
        import keras

        slopes = gradient(inputs.astype(np.float32), labels.astype(np.int32))
        return np.asarray(keras.ops.convert_to_numpy(slopes), np.float32)

    return compute


def loss_gradient(model: Any) -> Gradient:
    """The gradient of each image's cross-entropy with respect to its pixels, in inference mode, left on the device.

    The function is traced once for each batch shape: keep it, and give it batches of one shape.

    Args:
        model: A `keras.Model`: `(N, H, W, C)` raw pixels in, `(N, K)` logits out.

    Returns:
        `(N, H, W, C)` float32 pixels, 0 to 255, and `(N,)` int32 labels, arrays or tensors, to a `(N, H, W, C)` float32
        tensor of Keras's current backend, in nats per grey level.
    """
    return _gradient(model, _total_loss)


def _gradient(model: Any, total: _Total) -> Gradient:
    import keras

    return {"tensorflow": _on_tensorflow, "jax": _on_jax, "torch": _on_torch}[keras.backend.backend()](model, total)


def _total_loss(labels: Any, logits: Any) -> Any:
    """Summed over the batch, so that each image's gradient is its own."""
    import keras

    logits = keras.ops.cast(logits, "float32")
    # (N,); a mean instead of the sum below would make every gradient N times smaller, and depend on the batch.
    losses = keras.ops.sparse_categorical_crossentropy(labels, logits, from_logits=True)
    return keras.ops.sum(losses)


def _total_score(labels: Any, logits: Any) -> Any:
    """The logits of the classes asked for, summed over the batch."""
    import keras

    chosen = keras.ops.one_hot(labels, logits.shape[-1], dtype="float32")  # (N, K)
    return keras.ops.sum(chosen * keras.ops.cast(logits, "float32"))


def _on_tensorflow(model: Any, total: _Total) -> Gradient:
    import tensorflow as tf

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def gradient(inputs: Any, labels: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(inputs)  # a tape watches variables by itself, and plain tensors only when told
            value = total(labels, model(inputs, training=False))
        return tape.gradient(value, inputs)

    return lambda inputs, labels: gradient(tf.convert_to_tensor(inputs), tf.convert_to_tensor(labels))


def _on_jax(model: Any, total: _Total) -> Gradient:
    import jax

    def value(inputs: Any, labels: Any, trainable: Any, other: Any) -> Any:
        return total(labels, model.stateless_call(trainable, other, inputs, training=False)[0])

    # By the first argument, the inputs. The weights are arguments too: constants would be compiled into the program.
    compiled = jax.jit(jax.grad(value))
    trainable = [variable.value for variable in model.trainable_variables]
    other = [variable.value for variable in model.non_trainable_variables]
    return lambda inputs, labels: compiled(inputs, labels, trainable, other)


def _on_torch(model: Any, total: _Total) -> Gradient:
    import keras
    import torch

    def gradient(inputs: Any, labels: Any) -> Any:
        # A leaf of its own: what the caller gave may have a history, or be used without gradients elsewhere.
        watched = keras.ops.convert_to_tensor(inputs).detach().clone().requires_grad_(True)
        with torch.enable_grad():
            value = total(keras.ops.convert_to_tensor(labels), model(watched, training=False))
        return torch.autograd.grad(value, watched)[0]  # the weights' own gradients are left alone

    return gradient
