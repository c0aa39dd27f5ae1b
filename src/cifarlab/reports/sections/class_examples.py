"""Every class with pictures that were classified correctly and pictures that were not."""

from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from cifarlab.reports._items import Item, make_items
from cifarlab.reports.page import Page, RunRecord
from cifarlab.reports.rendering import render
from cifarlab.utils.results import ClassScores

ORDER = 90
TITLE = "Examples by class"
_MOST_CLASSES = 20


@dataclass(frozen=True)
class ClassExamples:
    """One class: its scores, and its first pictures on both sides."""

    score: ClassScores
    right: list[Item]
    wrong: list[Item]


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


def _row(page: Page, record: RunRecord, class_index: int, each: int) -> ClassExamples:
    predictions = record.predictions
    own, correct = predictions.labels == class_index, predictions.predicted == predictions.labels
    right, wrong = (make_items(page, record, np.flatnonzero(own & side)[:each]) for side in (correct, ~correct))
    return ClassExamples(record.scores.per_class[class_index], right, wrong)
