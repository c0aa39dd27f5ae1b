"""Correct predictions with the lowest confidence."""

import numpy as np
from markupsafe import Markup

from cifarlab.reports._items import make_galleries
from cifarlab.reports.page import Page, RunRecord
from cifarlab.reports.rendering import render

ORDER = 80
TITLE = "Least confident correct predictions"
MOST_LEAD = 0.5
"""Margin of the predicted class over the next: above that, a prediction is no near miss."""


def build(page: Page) -> Markup | None:
    """A gallery a run; None where there are no pictures, or nothing is right that was nearly wrong."""
    galleries = make_galleries(page, lambda record: _rows(record, page.amount(alone=16, compared=8)))
    return render("least_confident", page=page, galleries=galleries) if galleries else None


def _rows(record: RunRecord, most: int) -> list[int]:
    predictions = record.predictions
    probabilities = np.sort(predictions.probabilities, axis=1)  # (N, K)
    confidence, lead = probabilities[:, -1], probabilities[:, -1] - probabilities[:, -2]
    right = np.flatnonzero((predictions.predicted == predictions.labels) & (lead < MOST_LEAD))
    return [int(row) for row in right[np.argsort(confidence[right], kind="stable")][:most]]
