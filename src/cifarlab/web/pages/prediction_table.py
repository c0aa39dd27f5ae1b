"""Answers: what a run said about a split, with everything that pages sort and filter by, computed once."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cifarlab.runs.predictions import Predictions, are_other_pictures


@dataclass(frozen=True, eq=False)
class PredictionTable:
    """Predictions and what follows from them.

    Attributes:
        predictions: As stored.
        probabilities: `(N, K)` float32.
        predicted: `(N,)` int64, the class named.
        confidence: `(N,)` float32, the probability of the class named.
        chance: `(N,)` float32, the probability of the label.
        losses: `(N,)` float64, in nats.
        rows: Image id to its row.
    """

    predictions: Predictions
    probabilities: NDArray[np.float32]
    predicted: NDArray[np.int64]
    confidence: NDArray[np.float32]
    chance: NDArray[np.float32]
    losses: NDArray[np.float64]
    rows: dict[str, int]

    def __len__(self) -> int:
        return len(self.predictions)

    @property
    def labels(self) -> NDArray[np.int64]:
        """`(N,)` int64."""
        found: NDArray[np.int64] = self.predictions.labels
        return found

    @property
    def class_names(self) -> tuple[str, ...]:
        """In the order of the labels."""
        return self.predictions.class_names

    @property
    def right(self) -> NDArray[np.bool_]:
        """`(N,)`: whether the label was named."""
        return np.asarray(self.predicted == self.labels)


def make_answers(predictions: Predictions) -> PredictionTable:
    """Compute what pages need of predictions."""
    probabilities = predictions.probabilities.astype(np.float32)
    places = np.arange(len(predictions))
    predicted = predictions.predicted
    return PredictionTable(
        predictions,
        probabilities,
        predicted,
        probabilities[places, predicted],
        probabilities[places, predictions.labels],
        predictions.losses,
        {image_id: row for row, image_id in enumerate(predictions.ids.tolist())},
    )


@dataclass(frozen=True, eq=False)
class Doubts:
    """How little runs that did not learn from them believe in the labels of a split.

    Attributes:
        runs: Whose opinions these are.
        rows: Image id to its row.
        doubt: `(N,)` float32: 1 minus the mean probability of the label.
        suggested: `(N,)` int64: the class with the highest mean probability.
        believed: `(N,)` float32: that probability.
        class_names: In the order of the labels.
        state: Another one means that these are other doubts.
    """

    runs: tuple[str, ...]
    rows: dict[str, int]
    doubt: NDArray[np.float32]
    suggested: NDArray[np.int64]
    believed: NDArray[np.float32]
    class_names: tuple[str, ...]
    state: Hashable = None

    def of(self, ids: Sequence[str]) -> NDArray[np.float32]:
        """`(M,)` float32: the doubt of each image; NaN where no run was asked about it."""
        places = np.array([self.rows.get(image_id, -1) for image_id in ids], np.int64)
        found = self.doubt[places] if len(self.doubt) else np.zeros(len(places), np.float32)
        return np.where(places >= 0, found, np.nan).astype(np.float32)


def weigh_labels(names: Sequence[str], answers: Sequence[PredictionTable], state: Hashable = None) -> Doubts:
    """The mean opinion of runs on the labels of the images that the first was asked about.

    Args:
        names: Of the runs.
        answers: Of each, at least one; those about other images or classes are left out.
        state: Of the files that this comes from.
    """
    first = answers[0]
    ids = first.predictions.ids.tolist()
    total, asked = np.zeros(first.probabilities.shape), []
    for name, each in zip(names, answers, strict=True):
        others = are_other_pictures(first.predictions, each.predictions)
        if each.class_names == first.class_names and each.rows.keys() == first.rows.keys() and not others:
            same = each.predictions.ids.tolist() == ids
            order = slice(None) if same else np.array([each.rows[image_id] for image_id in ids])
            total += each.probabilities[order]
            asked.append(name)
    mean = total / len(asked)
    places = np.arange(len(ids))
    suggested = mean.argmax(axis=1).astype(np.int64)
    doubt = (1 - mean[places, first.labels]).astype(np.float32)
    believed = mean[places, suggested].astype(np.float32)
    return Doubts(tuple(asked), first.rows, doubt, suggested, believed, first.class_names, state)
