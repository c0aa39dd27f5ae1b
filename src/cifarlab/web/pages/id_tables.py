"""The images of a gallery as a table: all that a filter leaves, or those that were selected."""

import math
from collections.abc import Collection as Names
from collections.abc import Mapping

from cifarlab.utils import files
from cifarlab.utils.errors import CifarlabError
from cifarlab.web.pages.data_set import Collection
from cifarlab.web.pages.gallery import choose_images, choose_predictions
from cifarlab.web.pages.label_doubts import Doubts
from cifarlab.web.pages.library import Library
from cifarlab.web.pages.marks import Marks, read_marks
from cifarlab.web.pages.run_summaries import RunSummary


def list_images(
    library: Library, collection: Collection, split: str, query: Mapping[str, str], only: Names[str] | None = None
) -> str:
    """A data set's images as CSV: id, split and label, the label error score where there is one, and the mark.

    Args:
        library: Whose runs doubt the labels.
        collection: The data set.
        split: One that has images.
        query: The gallery's filter and order.
        only: Ids of those that are wanted; None for all that the filter leaves.

    Raises:
        CifarlabError: If the address asks for something unknown, or nothing is wanted.
    """
    part = collection.splits[split]
    doubts, rows = choose_images(library, collection, split, query)
    ids, labels = part.ids[rows].tolist(), part.labels[rows].tolist()
    names = [part.class_names[label] for label in labels]
    table = {"id": ids, "split": [split] * len(ids), "label": names}
    return _to_csv(table, doubts, read_marks(library, collection), only)


def list_predictions(
    library: Library, summary: RunSummary, split: str, query: Mapping[str, str], only: Names[str] | None = None
) -> str:
    """A run's predictions as CSV: id, split, label, predicted class, confidence, loss, label error score and mark.

    Args:
        library: Where the predictions are.
        summary: The run.
        split: One that it was evaluated on.
        query: The gallery's filter and order.
        only: Ids of those that are wanted; None for all that the filter leaves.

    Raises:
        CifarlabError: If the address asks for something unknown, or nothing is wanted.
        HTTPException: 404 if the run to compare with is not there.
    """
    predictions, _, doubts, rows = choose_predictions(library, summary, split, query)
    names, ids = predictions.class_names, predictions.ids[rows].tolist()
    table = {
        "id": ids,
        "split": [split] * len(ids),
        "label": [names[label] for label in predictions.labels[rows].tolist()],
        "predicted": [names[label] for label in predictions.predicted[rows].tolist()],
        "confidence": [f"{each:.6g}" for each in predictions.probabilities.max(axis=1)[rows].tolist()],
        "loss": [f"{each:.6g}" for each in predictions.losses[rows].tolist()],
    }
    found = library.find_collection(summary.data)
    return _to_csv(table, doubts, read_marks(library, found) if isinstance(found, Collection) else None, only)


def _to_csv(table: dict[str, list[str]], doubts: Doubts | None, marks: Marks | None, only: Names[str] | None) -> str:
    if doubts is not None:
        scores = doubts.of(table["id"]).tolist()  # NaN where no run was asked about an image
        table["label_error_score"] = ["" if math.isnan(score) else f"{score:.6g}" for score in scores]
    table["mark"] = ["" if marks is None else marks.words(image_id) for image_id in table["id"]]
    rows = [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]
    if only is not None:
        wanted = set(only)
        rows = [row for row in rows if row["id"] in wanted]
        if not rows:
            raise CifarlabError("no picture is selected: select at least one")
    return files.to_csv(rows, table)
