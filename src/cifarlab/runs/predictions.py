"""Predictions: what a model said about every image of a split, checked, as it travels between the stages."""

import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cifarlab.utils import files
from cifarlab.utils.arrays import Array, check_array, check_labels
from cifarlab.utils.errors import CifarlabError

_BROKEN = (OSError, EOFError, ValueError, TypeError, KeyError, zipfile.BadZipFile, zlib.error)


@dataclass(frozen=True, eq=False)
class Origin:
    """Of which model predictions are, and of which images.

    Attributes:
        model_checksum: See `derived.model_checksum`.
        images: Fingerprint of the images, see `ImageSet.fingerprint`.
        trained_on: `(N,)` bool, which of the images the model was trained on.
    """

    model_checksum: str
    images: str
    trained_on: Array

    def take(self, indices: Array) -> "Origin":
        """The same for the images in another order.

        Args:
            indices: `(N,)` int.
        """
        return Origin(self.model_checksum, self.images, self.trained_on[indices])


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a model said about every image of a split.

    Attributes:
        ids: `(N,)` str, unique.
        labels: `(N,)` int64, values in `[0, K)`.
        logits: `(N, K)` float32, finite.
        class_names: K names.
        origin: Whose answers these are; None where nobody recorded it.
    """

    ids: Array
    labels: Array
    logits: Array
    class_names: tuple[str, ...]
    origin: Origin | None = None

    def __post_init__(self) -> None:
        check_array(self.logits.ndim == 2 and self.logits.dtype == np.float32, "logits (N, K) float32", self.logits)
        if self.logits.shape[1] != len(self.class_names):
            raise ValueError(f"expected {len(self.class_names)} logits an image. Received: shape {self.logits.shape}")
        if not np.isfinite(self.logits).all():
            raise ValueError("logits must be finite")
        check_labels(self.labels, self.ids, len(self.logits), len(self.class_names))
        if self.origin is not None and self.origin.trained_on.shape != self.labels.shape:
            raise ValueError(f"expected an origin of {len(self)} images. Received: {self.origin.trained_on.shape}")

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def log_probabilities(self) -> Array:
        """`(N, K)` float64: log softmax of the logits."""
        logits = self.logits.astype(np.float64)
        shifted = logits - logits.max(axis=1, keepdims=True)
        result: Array = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        return result

    @property
    def probabilities(self) -> Array:
        """`(N, K)` float64, rows sum to 1."""
        result: Array = np.exp(self.log_probabilities)
        return result

    @property
    def predicted(self) -> Array:
        """`(N,)` int64: the class with the largest logit."""
        result: Array = self.logits.argmax(axis=1).astype(np.int64)
        return result

    @property
    def losses(self) -> Array:
        """`(N,)` float64: cross-entropy of each image's label, in nats."""
        result: Array = -self.log_probabilities[np.arange(len(self)), self.labels]
        return result

    def save(self, path: Path) -> Path:
        """Write `ids`, `labels`, `logits`, `class_names` and, where it is known, the origin as `.npz`, atomically."""
        columns = {"ids": self.ids, "labels": self.labels, "logits": self.logits}
        arrays: dict[str, Any] = {**columns, "class_names": np.array(self.class_names)}
        if self.origin is not None:
            texts = {"model_checksum": self.origin.model_checksum, "images": self.origin.images}
            arrays |= {name: np.array(text) for name, text in texts.items()} | {"trained_on": self.origin.trained_on}
        return files.write_atomically(path, lambda file: np.savez_compressed(file, **arrays))

    @classmethod
    def load(cls, path: Path) -> "Predictions":
        """Read what `save` wrote.

        Raises:
            CifarlabError: If the file is missing, broken or holds something else.
        """
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                names = tuple(str(name) for name in stored["class_names"])
                return cls(stored["ids"], stored["labels"], stored["logits"], names, _find_origin(stored))
        except _BROKEN as error:
            raise CifarlabError(f"cannot read predictions from {path}: {error}; run cifarlab evaluate again") from error


@dataclass(frozen=True, eq=False)
class HardPredictions:
    """What a model said where only its classes are known, not how probable it held them.

    Attributes:
        ids: `(N,)` str, unique.
        labels: `(N,)` int64, values in `[0, K)`.
        predicted: `(N,)` int64, values in `[0, K)`.
        class_names: K names.
    """

    ids: Array
    labels: Array
    predicted: Array
    class_names: tuple[str, ...]

    def __post_init__(self) -> None:
        check_labels(self.predicted, self.ids, len(self.labels), len(self.class_names))
        check_labels(self.labels, self.ids, len(self.labels), len(self.class_names))

    def __len__(self) -> int:
        return len(self.labels)

    def save(self, path: Path) -> Path:
        """Write `ids`, `labels`, `predicted` and `class_names` as `.npz`, atomically."""
        columns = {"ids": self.ids, "labels": self.labels, "predicted": self.predicted}
        arrays: dict[str, Any] = {**columns, "class_names": np.array(self.class_names)}
        return files.write_atomically(path, lambda file: np.savez_compressed(file, **arrays))


Classified = Predictions | HardPredictions
"""Anything that says one class for each image: what accuracy, precision, recall and F1 are made of."""


def are_other_pictures(one: Predictions, other: Predictions) -> bool:
    """Whether two models saw different pictures under the same ids and labels, as far as their files tell."""
    if one.origin is None or other.origin is None or not np.array_equal(one.ids, other.ids):
        return False
    return one.origin.images != other.origin.images


def read_origin(path: Path) -> Origin | None:
    """Of which model and images predictions are, without reading them; None where the file does not say."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return _find_origin(stored)
    except _BROKEN:
        return None


def _find_origin(stored: Mapping[str, Any]) -> Origin | None:
    """What a file says of its origin; None of one that an earlier version wrote."""
    if "model_checksum" not in stored:
        return None
    trained_on = stored["trained_on"]
    check_array(trained_on.ndim == 1 and trained_on.dtype == bool, "trained_on (N,) bool", trained_on)
    return Origin(str(stored["model_checksum"]), str(stored["images"]), trained_on)
