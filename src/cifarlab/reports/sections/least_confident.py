"""Right answers that were hardly more than guesses."""

import numpy as np
from markupsafe import Markup

from cifarlab.reports._items import make_items
from cifarlab.reports.page import Page, RunRecord
from cifarlab.reports.rendering import render

ORDER = 80
TITLE = "Least confident correct predictions"
MOST_LEAD = 0.5
"""Of the answer over the next class: above that, it is not only just right."""


def build(page: Page) -> Markup | None:
    """A gallery a run; None where there are no pictures, or nothing is right that was nearly wrong."""
    galleries = [
        (record, make_items(page, record, _rows(record, page.amount(alone=16, compared=8)))) for record in page.runs
    ]
    galleries = [(record, items) for record, items in galleries if items]
    return render("least_confident", page=page, galleries=galleries) if galleries else None


def _rows(record: RunRecord, most: int) -> list[int]:
    predictions = record.predictions
    probabilities = np.sort(predictions.probabilities, axis=1)  # (N, K)
    confidence, lead = probabilities[:, -1], probabilities[:, -1] - probabilities[:, -2]
    right = np.flatnonzero((predictions.predicted == predictions.labels) & (lead < MOST_LEAD))
    return [int(row) for row in right[np.argsort(confidence[right], kind="stable")][:most]]
