"""What the arrays of NumPy's files are, by their names and shapes; Python objects in them are never loaded."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy import special

from cifarlab.evaluation.external._names import ID, INDEX, LABEL, OTHER, PREDICTED, role
from cifarlab.evaluation.external._table import Key, Table
from cifarlab.utils import limits
from cifarlab.utils.array_files import array_lengths, open_arrays, read_array
from cifarlab.utils.arrays import Array
from cifarlab.utils.errors import CifarlabError

_KINDS = {
    "logits": "logits", "logit": "logits", "probabilities": "probabilities", "probability": "probabilities",
    "probs": "probabilities", "proba": "probabilities", "softmax": "probabilities",
}  # fmt: skip
_SCORE_WORDS = ("logit", "prob", "softmax")
_CLASS_NAMES = ("class_names", "classes", "classes_", "label_names", "categories")
_OWN = ("trained_on", "model_checksum", "images")  # what `Predictions.save` writes beside
_NEAR = 1e-3


def read_arrays(path: Path, only_labels: bool) -> Table:
    """Read `.npz` or `.npy`.

    Raises:
        CifarlabError: If an `.npz` holds none of the arrays that are expected, or several that contradict each other.
        One of BROKEN_ARCHIVE: If the file is broken, or holds Python objects.
    """
    if _is_archive(path):  # whatever its name ends in
        limits.check_rows(path, max(array_lengths(path).values(), default=0))  # before they are unpacked
        with open_arrays(path) as stored:
            return _read_npz(path, dict(stored), only_labels)
    array = read_array(path)
    limits.check_rows(path, len(array) if array.ndim else 1)
    return Table(path, labels=array) if only_labels else _by_shape(path, array)


def _is_archive(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"PK"


def _read_npz(path: Path, arrays: Mapping[str, Array], only_labels: bool) -> Table:
    """Whatever has as many rows as there are images is used, or said to be left out."""
    used = {name: _by_role(path, arrays, name) for name in (LABEL, PREDICTED)}
    label, predicted = used[LABEL], used[PREDICTED]
    scores, kind = (None, None) if only_labels else _scores(path, arrays, predicted)
    others = [name for name in arrays if name not in _CLASS_NAMES]
    if only_labels and label is None and len(others) == 1:
        label = others[0]
    main = label if only_labels else scores or predicted
    if main is None and not only_labels and len(others) == 1 and label is None:
        names, _ = _class_names(arrays, arrays[others[0]], -1)
        return replace(_by_shape(path, arrays[others[0]]), class_names=names)
    if main is None and (only_labels or label is None):
        wanted = "labels" if only_labels else "logits or probabilities"
        raise CifarlabError(f"{path} holds {', '.join(sorted(arrays)) or 'nothing'}: expected an array named {wanted}")
    count = len(np.atleast_1d(arrays[main or label or ""]))
    keys = _keys(arrays, count, {label, predicted, scores})
    class_names, are_labels = _class_names(arrays, None if scores is None else arrays[scores], count)

    def get(name: str | None) -> Array | None:
        if name is None:
            return None
        return arrays[name].astype(str) if are_labels and arrays[name].dtype.kind in "iu" else arrays[name]

    return Table(
        path,
        None if scores is None else arrays[scores],
        kind,
        get(label),
        None if predicted in (None, scores) else get(predicted),
        keys,
        class_names=class_names,
        notices=_left_out(path, arrays, count, {label, predicted, scores, *(key.name for key in keys)}),
    )


def _scores(path: Path, arrays: Mapping[str, Array], predicted: str | None) -> tuple[str | None, str | None]:
    """The array of scores, and its kind; of logits and probabilities that agree the logits, of others none: refused."""
    named = [name for name in arrays if name.casefold() in _KINDS]
    named.sort(key=lambda name: _KINDS[name.casefold()] != "logits")  # logits lose nothing
    if not named and predicted is not None and arrays[predicted].ndim == 2 and arrays[predicted].shape[1] > 1:
        return predicted, None  # Keras calls scores predictions
    if not named:
        return None, None
    first = named[0]
    for name, array in arrays.items():
        alike = name in named or any(word in name.casefold() for word in _SCORE_WORDS)
        table = array.ndim == 2 and array.dtype.kind == "f" and arrays[first].ndim == 2
        if name != first and alike and table and not _agree(arrays[first], array, _KINDS[first.casefold()]):
            raise CifarlabError(f"{path} has {first} and {name}, which are not the same scores: leave one of them out")
    return first, _KINDS[first.casefold()]


def _agree(scores: Array, other: Array, kind: str) -> bool:
    """Whether two arrays are the same, or the second the softmax of the first."""
    if scores.shape != other.shape:
        return False
    if np.allclose(scores, other, atol=_NEAR, equal_nan=True):
        return True
    return kind == "logits" and np.allclose(special.softmax(scores.astype(np.float64), axis=1), other, atol=_NEAR)


def _class_names(arrays: Mapping[str, Array], scores: Array | None, count: int) -> tuple[tuple[str, ...] | None, bool]:
    """Names of the classes, and whether they are numbers that labels are given in, as scikit-learn's `classes_`."""
    name = next((name for name in _CLASS_NAMES if name in arrays and arrays[name].ndim == 1), None)
    if name is None:
        return None, False
    found = arrays[name]
    if name != "class_names":
        fits = len(found) == scores.shape[1] if scores is not None and scores.ndim == 2 else len(found) != count
        if not fits or len(np.unique(found)) != len(found):
            return None, False
    return tuple(found.astype(str).tolist()), name != "class_names" and found.dtype.kind in "iu"


def _keys(arrays: Mapping[str, Array], count: int, used: set[str | None]) -> tuple[Key, ...]:
    """Arrays that tell the images apart by their names, or could do so by what they hold."""
    found = []
    for name, array in arrays.items():
        flat = array.ravel() if array.ndim == 2 and 1 in array.shape else array
        if name in used or name in (*_CLASS_NAMES, *_OWN) or flat.ndim != 1 or len(flat) != count:
            continue
        whole = flat.dtype.kind == "f" and bool(np.isfinite(flat).all()) and bool((flat == np.floor(flat)).all())
        values = (flat.astype(np.int64) if whole else flat).astype(str)
        what = role(name)
        if what in (ID, INDEX):
            found.append(Key(name, values, str(what)))
        elif (whole or flat.dtype.kind in "iuUS") and count > 1 and len(np.unique(values)) == count:
            found.append(Key(name, values, OTHER))
    return tuple(sorted(found, key=lambda key: key.name != "ids"))


def _left_out(path: Path, arrays: Mapping[str, Array], count: int, used: set[str | None]) -> tuple[str, ...]:
    names = [
        name
        for name, array in arrays.items()
        if name not in used and name not in (*_CLASS_NAMES, *_OWN) and array.ndim and len(array) == count
    ]
    return (f"{path.name}: {', '.join(names)} left out.",) if names else ()


def _by_shape(path: Path, array: Array) -> Table:
    """Scores are `(N, K)`; one whole number or word an image is the class that was predicted."""
    flat = array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array
    if flat.ndim == 1 and (flat.dtype.kind in "iuUS" or (flat.dtype.kind == "f" and (flat == np.floor(flat)).all())):
        return Table(path, predicted=flat)
    return Table(path, array)


def _by_role(path: Path, arrays: Mapping[str, Array], wanted: str) -> str | None:
    """The name of the one array of a role; several that do not hold the same are refused."""
    names = [name for name in arrays if role(name) == wanted and arrays[name].ndim]
    exact = {LABEL: "labels", PREDICTED: "predicted"}[wanted]
    names.sort(key=lambda name: name != exact)
    others = [name for name in arrays if wanted == LABEL and _may_be_labels(arrays, name, names)]
    for name in [*names[1:], *others]:
        if not np.array_equal(arrays[names[0]].ravel(), arrays[name].ravel()):
            raise CifarlabError(
                f"{path} has {names[0]} and {name}, which differ: both may be the {wanted} class; leave one out"
            )
    return names[0] if names else None


def _may_be_labels(arrays: Mapping[str, Array], name: str, known: list[str]) -> bool:
    """Whether an array is called some sort of labels, as `fine_labels`, and has as many as those that are known."""
    array, words = arrays[name], ("label", "target", "truth")
    called = role(name) is None and name not in _CLASS_NAMES and any(word in name.casefold() for word in words)
    return bool(known) and called and array.shape == arrays[known[0]].shape and array.dtype.kind in "iuUS"
