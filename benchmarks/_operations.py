"""How much arithmetic a model takes: multiply-adds of its matrix products and convolutions, counted layer by layer."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np


@dataclass(frozen=True)
class Operations:
    """Multiply-adds for one image; each is two floating-point operations.

    Attributes:
        forward: From pixels to logits.
        backward: Gradients of the trainable kernels, and of each layer's input where a layer before it is trained.
        not_counted: Layers with a matrix of weights that are neither `Dense` nor `Conv2D`.
    """

    forward: int
    backward: int
    not_counted: tuple[str, ...] = ()

    @property
    def inference_flops(self) -> int:
        """Floating-point operations to classify an image."""
        return 2 * self.forward

    @property
    def training_flops(self) -> int:
        """Floating-point operations to learn from an image once."""
        return 2 * (self.forward + self.backward)


def count_operations(model: keras.Model, image_shape: tuple[int, int, int] | None = None) -> Operations:
    """Count the multiply-adds of a model's `Dense` and `Conv2D` layers, at the shapes that an image really has there.

    One black image is sent through the model, so that nested models, layers inside layers and layers used twice all
    count as often as they work. Everything else (normalisation, activations, pooling, the optimizer) is left out, as is
    usual: it is little beside the products. Of Muon it may not be: see `count_orthogonalisation`.

    Args:
        model: Images `(B, H, W, C)` to anything.
        image_shape: Height, width and channels; by default the model's own. Another one goes through the same layers.

    Returns:
        The counts for one image, with the layers' present `trainable`.
    """
    own = tuple(model.input_shape[1:])
    shape = image_shape or own
    if None not in own and shape != own:
        model = keras.models.clone_model(model, input_tensors=keras.Input(shape), clone_function=lambda layer: layer)
    forward = backward = 0
    is_trained_before = False
    not_counted = []
    with _recorded_calls(model) as calls:
        model(np.zeros((1, *shape), np.float32), training=False)
    for layer, output_shape in calls:
        products = _products(layer, output_shape)
        if products:
            forward += products
            backward += products * (int(layer.kernel.trainable) + int(is_trained_before))
        elif any(len(variable.shape) > 1 for variable in layer.weights):
            not_counted.append(layer.name)
        is_trained_before |= bool(layer.trainable_variables)
    return Operations(forward, backward, tuple(dict.fromkeys(not_counted)))


def count_orthogonalisation(model: keras.Model, steps: int, block_rows: int = 0) -> int:
    """Floating-point operations of the matrix products of one step of `cifarlab.training.optimizers.muon.Muon`.

    Args:
        model: Its kernels are made orthogonal, all but that of the layer `logits`.
        steps: Newton and Schulz's iterations.
        block_rows: Rows of a block; 0: a kernel as a whole.
    """
    operations = 0
    for variable in model.trainable_variables:
        if len(variable.shape) < 2 or "logits" in variable.path:
            continue
        rows, columns = sorted((int(np.prod(variable.shape[:-1])), variable.shape[-1]))
        blocks = -(-rows // block_rows) if block_rows else 1
        size = -(-rows // blocks)
        # Of a block (size, columns): its Gram matrix, that one's square, and the product with the block.
        operations += steps * blocks * 2 * (2 * size**2 * columns + size**3)
    return operations


def _products(layer: keras.layers.Layer, output_shape: tuple[int, ...]) -> int:
    """Multiply-adds of one call on one image; 0 for a layer that is not counted."""
    if not isinstance(layer, keras.layers.Dense | keras.layers.Conv2D):
        return 0
    # Each number of the output is a product over the kernel's other axes: inputs, or height x width x channels.
    per_number = int(np.prod(layer.kernel.shape[:-1]))
    return per_number * int(np.prod(output_shape[1:]))


@contextmanager
def _recorded_calls(model: keras.Model) -> Iterator[list[tuple[keras.layers.Layer, tuple[int, ...]]]]:
    """While open, every call of a layer that has no layers in it is noted, in order, with its output's shape."""
    calls: list[tuple[keras.layers.Layer, tuple[int, ...]]] = []
    leaves = [layer for layer in model._flatten_layers(include_self=False) if not layer._layers]

    def noting(layer: keras.layers.Layer, call: Any) -> Any:
        def noted(*args: Any, **kwargs: Any) -> Any:
            outputs = call(*args, **kwargs)
            calls.append((layer, tuple(getattr(outputs, "shape", ()))))
            return outputs

        return noted

    for leaf in leaves:
        object.__setattr__(leaf, "call", noting(leaf, leaf.call))
    try:
        yield calls
    finally:
        for leaf in leaves:
            object.__delattr__(leaf, "call")
