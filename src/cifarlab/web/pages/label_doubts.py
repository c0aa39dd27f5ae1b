"""Label error scores: how improbable the labels of a split are to runs that were not trained on them."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cifarlab.evaluation.out_of_sample import pool
from cifarlab.runs.predictions import Predictions
from cifarlab.web.pages.data_set import Collection


@dataclass(frozen=True, eq=False)
class Doubts:
    """The pooled out-of-sample probabilities of some runs for the labels of a split.

    Attributes:
        runs: Whose probabilities these are.
        rows: Image id to its row.
        doubt: `(N,)` float32: 1 minus the pooled probability of the label.
        suggested: `(N,)` int64: the class with the highest pooled probability.
        believed: `(N,)` float32: that probability.
        class_names: In the order of the labels.
        state: Another one means that these are other doubts.
        not_asked: Runs whose predictions would count and cannot be used: name of each to what is wrong.
    """

    runs: tuple[str, ...]
    rows: dict[str, int]
    doubt: NDArray[np.float32]
    suggested: NDArray[np.int64]
    believed: NDArray[np.float32]
    class_names: tuple[str, ...]
    state: Hashable = None
    not_asked: Mapping[str, str] = field(default_factory=dict)

    def of(self, ids: Sequence[str]) -> NDArray[np.float32]:
        """`(M,)` float32: the doubt of each image; NaN where no run was asked about it."""
        nowhere = len(self.doubt)
        rows = [self.rows.get(image_id, nowhere) for image_id in ids]
        return np.append(self.doubt, np.float32(np.nan))[rows]


def rows_by_id(predictions: Predictions) -> dict[str, int]:
    """Image id to its row."""
    return {image_id: row for row, image_id in enumerate(predictions.ids.tolist())}


def weigh_labels(opinions: Mapping[str, Predictions], state: Hashable = None) -> Doubts:
    """The pooled out-of-sample probabilities of runs, about the same images or, such as folds, about different ones.

    Args:
        opinions: Of each run by its name, at least one; those about other classes than the first's are left out.
        state: Of the files that this comes from.
    """
    names = next(iter(opinions.values())).class_names
    used = {name: each for name, each in opinions.items() if each.class_names == names}
    rows: dict[str, int] = {}
    for each in used.values():
        for image_id in each.ids.tolist():
            rows.setdefault(image_id, len(rows))
    labels = np.zeros(len(rows), np.int64)
    for each in used.values():
        labels[[rows[image_id] for image_id in each.ids.tolist()]] = each.labels
    found, _ = pool(list(used.values()), np.array(list(rows)), labels)  # (N, K), as `cifarlab doubts` pools them
    label_probability = found[np.arange(len(labels)), labels]
    suggested, believed = found.argmax(axis=1).astype(np.int64), found.max(axis=1).astype(np.float32)
    return Doubts(tuple(used), rows, (1 - label_probability).astype(np.float32), suggested, believed, names, state)


def why_unfit(predictions: Predictions, collection: Collection, split: str) -> str:
    """Why predictions say nothing of the labels of a data set: classes, images or labels are others; or empty.

    Args:
        predictions: Of a run that names this data set: its files may be of an earlier state of it, or of another.
        collection: The data set.
        split: What the run was asked about.
    """
    if predictions.class_names != collection.class_names:
        return f"its predictions are of other classes than those of {collection.name}"
    places = [collection.places.get(image_id) for image_id in predictions.ids.tolist()]
    labels = {part: images.labels.tolist() for part, images in collection.parts.items()}
    found = [-1 if place is None else labels[place[0]][place[1]] for place in places]
    part, origin = collection.splits[split], predictions.origin
    is_whole = origin is not None and np.array_equal(predictions.ids, part.ids)
    if -1 in found or (is_whole and origin is not None and origin.images != part.fingerprint):
        return f"its predictions are of other images than those of {collection.name}"
    return "" if found == predictions.labels.tolist() else f"its predictions are of other labels of {collection.name}"
