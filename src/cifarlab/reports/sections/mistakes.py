"""Wrong answers that the model was surest of."""

import numpy as np
from markupsafe import Markup

from cifarlab.reports._items import make_items
from cifarlab.reports.page import Page
from cifarlab.reports.rendering import render
from cifarlab.runs.predictions import Predictions

ORDER = 70
TITLE = "The most confident mistakes"
MOST_COMPARED = 16


def build(page: Page) -> Markup | None:
    """A gallery a run; None where there are no pictures or no mistakes."""
    most = page.amount(alone=24, compared=MOST_COMPARED)
    galleries = [(view, make_items(page, view, find_mistakes(view.predictions, most))) for view in page.runs]
    galleries = [(view, items) for view, items in galleries if items]
    return render("mistakes", page=page, galleries=galleries) if galleries else None


def find_mistakes(predictions: Predictions, most: int) -> list[int]:
    """The rows of the wrong answers, those that the model was surest of first, at most so many."""
    confidence = predictions.probabilities.max(axis=1)
    wrong = np.flatnonzero(predictions.predicted != predictions.labels)
    return [int(row) for row in wrong[np.argsort(-confidence[wrong], kind="stable")][:most]]
