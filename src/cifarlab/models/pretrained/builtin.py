"""The built-in model: trained weights that come with the package, known everywhere by the name `builtin`.

Beside this file lie `weights.npz` (float16 arrays in the order of `model.weights`), `card.json` (how they came about
and what was measured) and `card.md` (the same for people); `benchmarks/make_builtin.py` makes all three from a run.
`network.onnx` is what is computed with these weights, for onnxruntime: `benchmarks/builtin_network.py` makes it, and
compares it with Keras on the test images.
"""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifarlab import recipes
from cifarlab.utils import discovery, files
from cifarlab.utils.array_files import BROKEN_ARCHIVE, open_arrays
from cifarlab.utils.environment import choose_backend
from cifarlab.utils.errors import CifarlabError, say_error
from cifarlab.utils.files import read_object

NAME = "builtin"
NETWORK = "network.onnx"
FOLDER = Path(__file__).parent


def read_card(folder: Path | None = None) -> dict[str, Any]:
    """What is known about the built-in model: recipe, class_names, image_shape, data, scores, sizes, and more.

    Args:
        folder: Where the weights and their card are; by default inside the package.

    Raises:
        CifarlabError: If there is no built-in model in this copy of cifarlab, or its card is damaged.
    """
    path = (folder or FOLDER) / "card.json"
    missing = [name for name in ("card.json", "weights.npz") if not path.with_name(name).is_file()]
    if missing:
        raise CifarlabError(
            f"this copy of cifarlab has no built-in model (it lacks {' and '.join(missing)}): name a run of your own, "
            "see cifarlab train"
        )
    keys = ("recipe", "class_names", "image_shape", "data", "environment", "scores", "sizes", "state")
    return read_object(path, *keys, mend="install cifarlab again")


def load_model(folder: Path | None = None) -> Any:
    """The built-in `keras.Model`: raw pixels in, logits out, in float32 on every machine. Loads Keras.

    Args:
        folder: Where the weights and their card are; by default inside the package.

    Raises:
        CifarlabError: If there is none, its files are damaged, or no backend is installed.
    """
    card = read_card(folder)
    arrays = _read_weights((folder or FOLDER) / "weights.npz", card["sizes"]["weights_sha256"])
    choose_backend()
    import keras

    trained = recipes.from_dict(card["recipe"])
    before = keras.config.dtype_policy()  # of the process; the recipe may say bfloat16, which not every machine has
    keras.config.set_dtype_policy("float32")
    try:
        build = discovery.load("models", trained.model).build
        model = build(tuple(card["image_shape"]), len(card["class_names"]), **trained.model_args)
    finally:
        keras.config.set_dtype_policy(before)
    if [tuple(variable.shape) for variable in model.weights] != [array.shape for array in arrays]:
        raise CifarlabError(f"the built-in weights do not fit the model {trained.model}: install cifarlab again")
    for variable, array in zip(model.weights, arrays, strict=True):
        variable.assign(array.astype(np.float32))
    return model


def read_network(folder: Path | None = None) -> tuple[bytes, dict[str, NDArray[np.float32]]]:
    """The built-in network for onnxruntime, without Keras.

    Args:
        folder: Where the weights and their card are; by default inside the package.

    Returns:
        An ONNX model whose weights are external data, and these by their names.

    Raises:
        CifarlabError: If there is none, or its files are not those of the card.
    """
    card = read_card(folder)
    path = (folder or FOLDER) / NETWORK
    try:
        network = path.read_bytes()
    except OSError as error:
        raise CifarlabError(f"cannot read {path}: {error.strerror or error}; install cifarlab again") from error
    if hashlib.sha256(network).hexdigest() != card["sizes"].get("network_sha256"):
        raise CifarlabError(f"{path} is not the network of the card beside it: install cifarlab again")
    arrays = _read_weights(path.with_name("weights.npz"), card["sizes"]["weights_sha256"])
    return network, {weight_name(place): array.astype(np.float32) for place, array in enumerate(arrays)}


def weight_name(place: int) -> str:
    """What the weight at a place of `model.weights` is called in `weights.npz` and in the network."""
    return f"{place:04d}"


def _read_weights(path: Path, sha256: str) -> list[NDArray[np.float16]]:
    """The arrays in their order, checked against the card."""
    try:
        actual = files.checksum(path, "sha256")
        if actual != sha256:
            raise ValueError(f"its SHA-256 is {actual}, the card says {sha256}")
        with open_arrays(path) as stored:
            return [stored[name] for name in sorted(stored)]  # their names count up, with leading zeros
    except BROKEN_ARCHIVE as error:
        raise CifarlabError(
            f"the built-in weights {path} are damaged ({say_error(error)}): install cifarlab again"
        ) from error
