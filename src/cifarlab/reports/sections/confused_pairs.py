"""The pairs of classes that were mixed up most often."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup

from cifarlab.reports._items import Item, make_items
from cifarlab.reports.page import Page, RunView
from cifarlab.reports.rendering import render

ORDER = 60
TITLE = "The most confused pairs"


@dataclass(frozen=True)
class Pair:
    """Two classes: how often each was taken for the other, and the most confident of those mistakes."""

    first: str
    second: str
    first_as_second: int
    second_as_first: int
    items: list[Item]


def build(page: Page) -> Markup | None:
    """The pairs of each run, with pictures where there are any; None where nobody made a mistake."""
    found = [(view, _pairs(page, view)) for view in page.runs]
    if not any(pairs for _, pairs in found):
        return None
    return render("confused_pairs", page=page, found=found)


def _pairs(page: Page, view: RunView) -> list[Pair]:
    counts = np.array(view.scores["confusion_matrix"])
    both = np.triu(counts + counts.T, k=1)
    order = np.argsort(-both, axis=None, kind="stable")[: page.amount(alone=6, compared=3)]
    pairs = []
    for first, second in zip(*np.unravel_index(order, both.shape), strict=True):
        if both[first, second]:
            names = view.class_names[first], view.class_names[second]
            items = make_items(page, view, _examples(view, first, second))
            pairs.append(Pair(*names, int(counts[first, second]), int(counts[second, first]), items))
    return pairs


def _examples(view: RunView, first: int, second: int, most: int = 8) -> list[int]:
    """The most confident mistakes, half of them in each direction where both have enough."""
    predictions = view.predictions
    confidence = predictions.probabilities.max(axis=1)

    def mistakes(true: int, said: int) -> list[Any]:
        rows = np.flatnonzero((predictions.labels == true) & (predictions.predicted == said))
        return list(rows[np.argsort(-confidence[rows], kind="stable")])

    there, back = mistakes(first, second), mistakes(second, first)
    half = most // 2
    there_count = max(half, most - len(back))
    there = there[:there_count]
    return [int(row) for row in there + back[: most - len(there)]]
