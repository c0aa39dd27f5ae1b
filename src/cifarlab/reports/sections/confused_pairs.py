"""The pairs of classes that were confused most often."""

from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from cifarlab.reports._items import Item, make_items
from cifarlab.reports.page import Page, RunRecord
from cifarlab.reports.rendering import render

ORDER = 60
TITLE = "Most confused pairs"


@dataclass(frozen=True)
class ConfusedPair:
    """Two classes, how often either was predicted for the other, and the most confident of those mistakes."""

    first: str
    second: str
    first_as_second: int
    second_as_first: int
    gallery: list[Item]


def build(page: Page) -> Markup | None:
    """The pairs of each run, with pictures where there are any; None where nobody made a mistake."""
    found = [(record, _pairs(page, record)) for record in page.runs]
    if not any(pairs for _, pairs in found):
        return None
    return render("confused_pairs", page=page, found=found)


def _pairs(page: Page, record: RunRecord) -> list[ConfusedPair]:
    """The most frequent first."""
    counts = np.array(record.scores.confusion_matrix)  # (K, K), true classes in rows
    both = np.triu(counts + counts.T, k=1)
    order = np.argsort(-both, axis=None, kind="stable")[: page.amount(alone=6, compared=3)]
    return [
        ConfusedPair(
            record.class_names[first],
            record.class_names[second],
            first_as_second=int(counts[first, second]),
            second_as_first=int(counts[second, first]),
            gallery=make_items(page, record, _examples(record, first, second)),
        )
        for first, second in zip(*np.unravel_index(order, both.shape), strict=True)
        if both[first, second]
    ]


def _examples(record: RunRecord, first: int, second: int, most: int = 8) -> list[int]:
    """The most confident mistakes, half of them in each direction where both have enough."""
    predictions = record.predictions
    confidence = predictions.probabilities.max(axis=1)

    def mistakes(label: int, predicted: int) -> list[int]:
        rows = np.flatnonzero((predictions.labels == label) & (predictions.predicted == predicted))
        return [int(row) for row in rows[np.argsort(-confidence[rows], kind="stable")]]

    there, back = mistakes(first, second), mistakes(second, first)
    there = there[: max(most // 2, most - len(back))]
    return there + back[: most - len(there)]
