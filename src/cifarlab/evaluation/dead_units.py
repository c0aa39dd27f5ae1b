"""Units that never answer: the hidden activations of a dense network, counted over images."""

from typing import Any

import numpy as np

from cifarlab.inference.forward import compile_forward
from cifarlab.runs.scores import Activity, LayerActivity
from cifarlab.utils.arrays import Array, full_batches

MOST_IMAGES = 2000
BATCH_SIZE = 250
SMALL_SHARE = 0.01
_ACTIVATIONS = frozenset({"Activation", "ReLU", "LeakyReLU", "PReLU", "ELU"})


def measure_activity(model: Any, images: Array, most: int = MOST_IMAGES) -> Activity | None:
    """How many units of each hidden activation are dead, and how often the units answer.

    A unit is **dead** if its output is 0 for every image. Where the activation can be negative and is hardly ever
    exactly 0 (GELU, SiLU, tanh), it is dead if its output never leaves a band around 0 of one hundredth of the largest
    output of its layer.

    Args:
        model: A `keras.Model`: `(N, H, W, C)` raw pixels in.
        images: `(N, H, W, C)` uint8, at least one.
        most: Look at this many of them at most, evenly spaced.

    Returns:
        The layers from pixels to logits; None where the model is not dense or has no hidden activation.
    """
    layers = _hidden_activations(model)
    if not layers:
        return None
    import keras

    outputs = [layer.output for layer in layers]
    joined = keras.layers.Concatenate(dtype="float32")(outputs) if len(outputs) > 1 else outputs[0]
    forward = compile_forward(keras.Model(model.inputs, joined))
    chosen = np.unique(np.linspace(0, len(images) - 1, min(most, len(images))).round().astype(np.int64))
    ends = np.cumsum([output.shape[-1] for output in outputs])[:-1]
    lowest, highest, active = _extremes(forward, images[chosen])
    parts = zip(layers, *(np.split(each, ends) for each in (lowest, highest, active)), strict=True)
    counted = (
        LayerActivity(layer.name, len(low), _count_dead(low, high), float(share.mean()))
        for layer, low, high, share in parts
    )
    return Activity(len(chosen), tuple(counted))


def _hidden_activations(model: Any) -> list[Any]:
    """Layers of a dense network with one number a unit that end in an activation; none of another network."""
    layers = getattr(model, "layers", [])
    kinds = {type(layer).__name__ for layer in layers}
    if not getattr(model, "inputs", None) or "Dense" not in kinds or any(len(w.shape) > 2 for w in model.weights):
        return []
    found = [layer for layer in layers if _is_activation(layer)]
    return [layer for layer in found if len(layer.output.shape) == 2 and layer.output is not model.outputs[0]]


def _is_activation(layer: Any) -> bool:
    kind = type(layer).__name__
    own = getattr(getattr(layer, "activation", None), "__name__", "linear")
    return (kind in _ACTIVATIONS and own != "softmax") or (kind == "Dense" and own not in ("linear", "softmax"))


def _extremes(forward: Any, images: Array) -> tuple[Array, Array, Array]:
    """Lowest and highest output of every unit, and the share of images with an output above 0."""
    lowest, highest, active = np.inf, -np.inf, np.float64(0)
    for rows, new in full_batches(len(images), BATCH_SIZE):
        outputs = forward(images[rows])[:new]  # (B, units)
        lowest, highest = np.minimum(lowest, outputs.min(axis=0)), np.maximum(highest, outputs.max(axis=0))
        active = active + (outputs > 0).sum(axis=0)
    return np.asarray(lowest), np.asarray(highest), np.asarray(active) / len(images)


def _count_dead(lowest: Array, highest: Array) -> int:
    strongest = np.maximum(np.abs(lowest), np.abs(highest))
    band = 0.0 if lowest.min() == 0 else SMALL_SHARE * float(strongest.max())
    return int((strongest <= band).sum())
