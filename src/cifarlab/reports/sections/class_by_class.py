"""Every class with pictures that were recognised and pictures that were not."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup

from cifarlab.reports._items import Item, make_items
from cifarlab.reports.page import Page, RunView
from cifarlab.reports.rendering import render

ORDER = 90
TITLE = "Every class, right and wrong"
_MOST_CLASSES = 20


@dataclass(frozen=True)
class ClassRow:
    """One class: its numbers, and pictures on both sides."""

    class_name: str
    support: int
    recall: dict[str, Any]
    right: list[Item]
    wrong: list[Item]


def build(page: Page) -> Markup | None:
    """The leading run's classes, at most twenty; None where there are no pictures."""
    view = page.leader
    if not page.pictures.has(view.data["name"]):
        return None
    scores = view.scores["per_class"]
    order = sorted(range(len(scores)), key=lambda index: scores[index]["recall"]["value"] or 0.0)
    chosen = range(len(scores)) if len(scores) <= _MOST_CLASSES else order[:_MOST_CLASSES]
    each = 8 if len(scores) <= 10 else 4
    rows = [_row(page, view, index, each) for index in chosen]
    return render("class_by_class", page=page, view=view, rows=rows, total=len(scores))


def _row(page: Page, view: RunView, class_index: int, each: int) -> ClassRow:
    predictions = view.predictions
    score = view.scores["per_class"][class_index]
    own = predictions.labels == class_index
    is_right = predictions.predicted == predictions.labels
    right = make_items(page, view, np.flatnonzero(own & is_right)[:each])
    wrong = make_items(page, view, np.flatnonzero(own & ~is_right)[:each])
    return ClassRow(score["class_name"], score["support"], score["recall"], right, wrong)
