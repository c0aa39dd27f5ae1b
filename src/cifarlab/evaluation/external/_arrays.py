"""What the arrays of NumPy's files are, by their names and shapes; Python objects in them are never loaded."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cifarlab.evaluation.external._names import ID, LABEL, PREDICTED, role
from cifarlab.evaluation.external._table import Table
from cifarlab.utils.arrays import Array
from cifarlab.utils.errors import CifarlabError

_KINDS = {
    "logits": "logits", "logit": "logits", "probabilities": "probabilities", "probability": "probabilities",
    "probs": "probabilities", "proba": "probabilities", "softmax": "probabilities",
}  # fmt: skip


def read_arrays(path: Path, only_labels: bool) -> Table:
    """Read `.npz` or `.npy`.

    Raises:
        CifarlabError: If an `.npz` holds none of the arrays that are expected.
        OSError, EOFError, ValueError, zipfile.BadZipFile: If the file is broken, or holds Python objects.
    """
    with path.open("rb") as file:  # NumPy leaves a broken archive open
        stored: Any = np.load(file, allow_pickle=False)
        if isinstance(stored, np.ndarray):
            return Table(path, labels=stored) if only_labels else _by_shape(path, stored)
        with stored:
            return _read_npz(path, {name: stored[name] for name in stored.files}, only_labels)


def _read_npz(path: Path, arrays: Mapping[str, Array], only_labels: bool) -> Table:
    single = next(iter(arrays.values())) if len(arrays) == 1 else None
    labels, predicted, ids = (_by_role(arrays, wanted) for wanted in (LABEL, PREDICTED, ID))
    ids = None if ids is None else ids.astype(str)
    names = tuple(arrays["class_names"].astype(str).tolist()) if "class_names" in arrays else None
    if only_labels:
        found = single if labels is None else labels
        return Table(path, labels=found, ids=ids, class_names=names)
    named = [name for name in arrays if name.casefold() in _KINDS]
    named.sort(key=lambda name: _KINDS[name.casefold()] != "logits")  # logits lose nothing
    if named:
        kind = _KINDS[named[0].casefold()]
        return Table(path, arrays[named[0]], kind, labels, predicted, ids, class_names=names)
    if predicted is not None and predicted.ndim == 2 and predicted.shape[1] > 1:  # Keras calls scores predictions
        return Table(path, predicted, None, labels, None, ids, class_names=names)
    if predicted is not None:
        return Table(path, None, None, labels, predicted, ids, class_names=names)
    if single is None:
        raise CifarlabError(
            f"{path} holds {', '.join(sorted(arrays)) or 'nothing'}: expected an array named logits or probabilities"
        )
    return _by_shape(path, single)


def _by_shape(path: Path, array: Array) -> Table:
    """Scores are `(N, K)`; one whole number or word an image is the class that was predicted."""
    flat = array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array
    if flat.ndim == 1 and (flat.dtype.kind in "iuUS" or (flat.dtype.kind == "f" and (flat == np.floor(flat)).all())):
        return Table(path, predicted=flat)
    return Table(path, array)


def _by_role(arrays: Mapping[str, Array], wanted: str) -> Array | None:
    exact = {ID: "ids", LABEL: "labels", PREDICTED: "predicted"}[wanted]
    names = [exact] if exact in arrays else [name for name in arrays if role(name) == wanted]
    return arrays[names[0]] if names else None
