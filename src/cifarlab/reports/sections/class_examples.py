"""Every class with pictures that were classified correctly and pictures that were not."""

from typing import Any

import numpy as np
from markupsafe import Markup

from cifarlab.reports._items import make_items
from cifarlab.reports.page import Page, RunRecord
from cifarlab.reports.rendering import render

ORDER = 90
TITLE = "Examples by class"
_MOST_CLASSES = 20


def build(page: Page) -> Markup | None:
    """The leading run's classes, at most twenty; None where there are no pictures."""
    record = page.leader
    if not page.pictures.has(record.data["name"]):
        return None
    scores = record.scores.per_class
    order = sorted(range(len(scores)), key=lambda index: scores[index].recall.value or 0.0)
    chosen = range(len(scores)) if len(scores) <= _MOST_CLASSES else order[:_MOST_CLASSES]
    each = 8 if len(scores) <= 10 else 4
    rows = [_row(page, record, index, each) for index in chosen]
    return render("class_examples", page=page, record=record, rows=rows, total=len(scores))


def _row(page: Page, record: RunRecord, class_index: int, each: int) -> dict[str, Any]:
    """One class: its scores, and its first pictures on both sides."""
    predictions = record.predictions
    own, correct = predictions.labels == class_index, predictions.predicted == predictions.labels
    sides = {"right": own & correct, "wrong": own & ~correct}
    return {
        "score": record.scores.per_class[class_index],
        **{side: make_items(page, record, np.flatnonzero(chosen)[:each]) for side, chosen in sides.items()},
    }
