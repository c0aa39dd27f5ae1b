"""First-layer weights out of a `.keras` file, without Keras: a zip of `config.json` and `model.weights.h5`."""

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifarlab.inference.keras_bounds import measure_weights, open_weights, read_config
from cifarlab.utils.array_files import BROKEN_ARCHIVE, open_archive
from cifarlab.utils.errors import CifarlabError, say_error

# Layers that leave every pixel where it is, so that what follows still sees the picture.
_KEEP_PIXELS = frozenset(
    {"InputLayer", "Rescaling", "Normalization", "Flatten", "Reshape", "Dropout", "GaussianNoise", "Activation"}
)


def read_first_layer(model_file: Path) -> NDArray[np.float32] | None:
    """The kernel of the first dense layer, if that layer sees the whole picture.

    Where the model shuffles its pixels, the weights are put back to where their pixels are in the picture.

    Args:
        model_file: A `.keras` file of a functional or sequential model, as Keras 3 writes it.

    Returns:
        `(units, H, W, C)` float32, or None where the network begins in another way.

    Raises:
        CifarlabError: If the file is missing or broken.
    """
    try:
        found = _find_first_dense(model_file)
        if found is None:
            return None
        shape, name, order = found
        measure_weights(model_file)
        with open_archive(model_file) as archive, open_weights(archive) as weights:
            kernel = _kernel(weights, name)
    except (*BROKEN_ARCHIVE, AttributeError) as error:
        raise CifarlabError(f"cannot read the weights in {model_file}: {say_error(error)}") from error
    if kernel is None or kernel.ndim != 2 or kernel.shape[0] != math.prod(shape):
        return None
    units = kernel.T.reshape(-1, math.prod(shape[:2]), shape[2]).astype(np.float32)  # (units, H * W, C)
    if order is not None:
        if sorted(order) != list(range(units.shape[1])):
            raise CifarlabError(f"cannot read the weights in {model_file}: its pixels are in no order")
        units = units[:, np.argsort(order)]
    return units.reshape(-1, *shape)


def has_first_layer(model_file: Path) -> bool:
    """Whether `read_first_layer` has something to read, by the layers alone; of a broken file, False."""
    try:
        return _find_first_dense(model_file) is not None
    except (*BROKEN_ARCHIVE, AttributeError):
        return False


def _find_first_dense(model_file: Path) -> tuple[tuple[int, int, int], str, list[int] | None] | None:
    config = read_config(model_file)
    return _first_dense(config["config"].get("layers", []))


def _first_dense(layers: list[dict[str, Any]]) -> tuple[tuple[int, int, int], str, list[int] | None] | None:
    """The input's shape, the first dense layer's name and the order of its pixels, if only harmless layers precede."""
    shape: tuple[int, ...] | None = None
    order: list[int] | None = None
    for layer in layers:
        kind, config = layer["class_name"], layer["config"]
        if kind == "InputLayer":
            shape = tuple(config["batch_shape"][1:])
        elif kind == "Dense":
            if shape is None or len(shape) != 3 or shape[2] not in (1, 3) or None in shape:
                return None
            return (shape[0], shape[1], shape[2]), config["name"], order
        elif kind == "ShufflePixels" and order is None:
            order = list(config["order"])
            continue
        if kind not in _KEEP_PIXELS:
            return None
    return None


def _kernel(weights: Any, layer_name: str) -> NDArray[Any] | None:
    """Keras names the groups by class and number, and keeps the layer's own name as an attribute."""
    for group in weights["layers"].values():
        variables = group.get("vars")
        if variables is not None and variables.attrs.get("name") == layer_name and "0" in variables:
            return np.asarray(variables["0"])
    return None
