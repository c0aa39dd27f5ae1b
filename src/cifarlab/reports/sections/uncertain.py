"""Right answers that were hardly more than guesses."""

import numpy as np
from markupsafe import Markup

from cifarlab.reports._items import make_items
from cifarlab.reports.page import Page, RunView
from cifarlab.reports.rendering import render

ORDER = 80
TITLE = "Right, but only just"
MOST_LEAD = 0.5
"""Of the answer over the next class: above that, it is not only just right."""


def build(page: Page) -> Markup | None:
    """A gallery a run; None where there are no pictures, or nothing is right that was nearly wrong."""
    galleries = [(view, make_items(page, view, _rows(view, page.amount(alone=16, compared=8)))) for view in page.runs]
    galleries = [(view, items) for view, items in galleries if items]
    return render("uncertain", page=page, galleries=galleries) if galleries else None


def _rows(view: RunView, most: int) -> list[int]:
    predictions = view.predictions
    probabilities = np.sort(predictions.probabilities, axis=1)  # (N, K)
    confidence, lead = probabilities[:, -1], probabilities[:, -1] - probabilities[:, -2]
    right = np.flatnonzero((predictions.predicted == predictions.labels) & (lead < MOST_LEAD))
    return [int(row) for row in right[np.argsort(confidence[right], kind="stable")][:most]]
