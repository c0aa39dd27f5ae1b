"""Predictions: what a model said about every image of a split, checked, as it travels between the stages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cifarlab.runs._plain_arrays import SMALLEST, as_logits, ids_of, names_of, one_line, whole
from cifarlab.utils import files
from cifarlab.utils.array_files import BROKEN_ARCHIVE, open_arrays
from cifarlab.utils.arrays import Array, check_array, check_labels
from cifarlab.utils.errors import CifarlabError, say_error

__all__ = [
    "SMALLEST",
    "Classified",
    "HardPredictions",
    "Origin",
    "Predictions",
    "are_other_pictures",
    "read_origin",
]


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


@dataclass(frozen=True, eq=False)  # two arrays compared give no truth value, so `==` compares identities
class Predictions:
    """What a model said about every image of a split.

    What is computed from the logits is computed once, and read-only.

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

    @classmethod
    def of(
        cls,
        labels: ArrayLike,
        logits: ArrayLike | None = None,
        *,
        probabilities: ArrayLike | None = None,
        ids: Sequence[str] | None = None,
        class_names: Sequence[str] | None = None,
    ) -> "Predictions":
        """Predictions from plain arrays, as Keras's `predict` and scikit-learn's `predict_proba` give them.

        Args:
            labels: `(N,)` or `(N, 1)` whole numbers in `[0, K)`.
            logits: `(N, K)` numbers; else give `probabilities`.
            probabilities: `(N, K)`, rows sum to 1.
            ids: N names of the images, all different; by default their numbers.
            class_names: K names; by default `class 0`, `class 1`, ...

        Raises:
            CifarlabError: If not just one of logits and probabilities is given, the logits look like probabilities,
                the probabilities are none, or shapes or values do not fit.

        Example:
            >>> predictions = Predictions.of([0, 1, 1], [[2.0, 0.0], [0.0, 1.0], [3.0, 0.0]])
            >>> predictions.correct.tolist()
            [True, True, False]
            >>> Predictions.of([1], probabilities=[[0.2, 0.8]]).losses.round(4).tolist()
            [0.2231]
        """
        if (logits is None) == (probabilities is None):
            raise CifarlabError("predictions are made of logits or of probabilities: give one of the two")
        scores = as_logits(logits) if probabilities is None else as_logits(probabilities, are_probabilities=True)
        with one_line():
            return cls(ids_of(ids, scores), whole(labels), scores, names_of(class_names, scores.shape[1]))

    def __len__(self) -> int:
        return len(self.labels)

    # `cached_property` writes into `__dict__`, past the frozen dataclass; what it keeps is read-only for that reason.

    @cached_property
    def log_probabilities(self) -> Array:
        """`(N, K)` float64: log softmax of the logits."""
        # As SciPy computes it, to the last bit; to import that takes as long as all else that `predict` does.
        shifted = self.logits.astype(np.float64)
        shifted -= shifted.max(axis=1, keepdims=True)  # the largest is 0, so that nothing overflows
        return _read_only(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))

    @cached_property
    def probabilities(self) -> Array:
        """`(N, K)` float64, rows sum to 1."""
        return _read_only(np.exp(self.log_probabilities))

    @cached_property
    def predicted(self) -> Array:
        """`(N,)` int64: the class with the largest logit; of equal ones the first."""
        return _read_only(self.logits.argmax(axis=1).astype(np.int64))

    @property
    def correct(self) -> Array:
        """`(N,)` bool: whether the predicted class is the label."""
        return np.asarray(self.predicted == self.labels)

    @cached_property
    def confidence(self) -> Array:
        """`(N,)` float64: the probability of the predicted class, at most 1."""
        # exp(log p) may be 1 + 2e-16, which is no probability.
        return _read_only(np.minimum(self.probabilities[np.arange(len(self)), self.predicted], 1.0))

    @property
    def label_probabilities(self) -> Array:
        """`(N,)` float64: the probability of the label."""
        return np.asarray(self.probabilities[np.arange(len(self)), self.labels])

    @cached_property
    def losses(self) -> Array:
        """`(N,)` float64: cross-entropy of each image's label, in nats."""
        return _read_only(-self.log_probabilities[np.arange(len(self)), self.labels])

    def take(self, rows: Array) -> "Predictions":
        """The images of these rows, `(M,)` int, in their order."""
        origin = None if self.origin is None else replace(self.origin, trained_on=self.origin.trained_on[rows])
        return replace(self, ids=self.ids[rows], labels=self.labels[rows], logits=self.logits[rows], origin=origin)

    def save(self, path: Path) -> Path:
        """Write `ids`, `labels`, `logits`, `class_names` and, where it is known, the origin as `.npz`, atomically."""
        return _save(path, self, "ids", "labels", "logits", "class_names", **vars(self.origin) if self.origin else {})

    @classmethod
    def load(cls, path: Path) -> "Predictions":
        """Read what `save` wrote.

        Raises:
            CifarlabError: If the file is missing, broken or holds something else.
        """
        try:
            with open_arrays(path) as stored:
                names = tuple(str(name) for name in stored["class_names"])
                return cls(stored["ids"], stored["labels"], stored["logits"], names, _find_origin(stored))
        except BROKEN_ARCHIVE as error:
            raise CifarlabError(
                f"cannot read predictions from {path}: {say_error(error)}; run cifarlab evaluate again"
            ) from error


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

    @classmethod
    def of(
        cls,
        labels: ArrayLike,
        predicted: ArrayLike,
        *,
        ids: Sequence[str] | None = None,
        class_names: Sequence[str] | None = None,
    ) -> "HardPredictions":
        """As `Predictions.of`, from the predicted classes, `(N,)` or `(N, 1)` whole numbers.

        Raises:
            CifarlabError: If shapes or values do not fit.
        """
        true, answers = whole(labels), whole(predicted)
        count = 1 + int(max(true.max(initial=0), answers.max(initial=0)))
        with one_line():
            return cls(ids_of(ids, answers), true, answers, names_of(class_names, count))

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def correct(self) -> Array:
        """`(N,)` bool: whether the predicted class is the label."""
        return np.asarray(self.predicted == self.labels)

    def take(self, rows: Array) -> "HardPredictions":
        """The images of these rows, `(M,)` int, in their order."""
        return replace(self, ids=self.ids[rows], labels=self.labels[rows], predicted=self.predicted[rows])

    def save(self, path: Path) -> Path:
        """Write `ids`, `labels`, `predicted` and `class_names` as `.npz`, atomically."""
        return _save(path, self, "ids", "labels", "predicted", "class_names")


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
        with open_arrays(path) as stored:
            return _find_origin(stored)
    except BROKEN_ARCHIVE:
        return None


def _find_origin(stored: Mapping[str, Any]) -> Origin | None:
    """What a file says of its origin; None of one that an earlier version wrote."""
    if "model_checksum" not in stored:
        return None
    trained_on = stored["trained_on"]
    check_array(trained_on.ndim == 1 and trained_on.dtype == bool, "trained_on (N,) bool", trained_on)
    return Origin(str(stored["model_checksum"]), str(stored["images"]), trained_on)


def _save(path: Path, predictions: Classified, *columns: str, **origin: Any) -> Path:
    arrays = {name: np.asarray(getattr(predictions, name)) for name in columns}
    arrays |= {name: np.asarray(value) for name, value in origin.items()}
    return files.write_atomically(path, lambda file: np.savez_compressed(file, **arrays))  # type: ignore[arg-type]


def _read_only(array: Array) -> Array:
    """Shared by all who ask: a change would reach every other."""
    array.flags.writeable = False
    return array
