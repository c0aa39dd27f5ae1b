"""Wrong answers that the model was surest of."""

import numpy as np
from markupsafe import Markup

from cifarlab.reports._items import make_items
from cifarlab.reports.page import Page
from cifarlab.reports.rendering import render
from cifarlab.runs.predictions import Predictions

ORDER = 70
TITLE = "Top losses"
MOST_COMPARED = 16


def build(page: Page) -> Markup | None:
    """A gallery a run; None where there are no pictures or no mistakes."""
    most = page.amount(alone=24, compared=MOST_COMPARED)
    galleries = [(record, make_items(page, record, find_mistakes(record.predictions, most))) for record in page.runs]
    galleries = [(record, items) for record, items in galleries if items]
    return render("top_losses", page=page, galleries=galleries) if galleries else None


def find_mistakes(predictions: Predictions, most: int) -> list[int]:
    """The rows of the wrong answers, those that the model was surest of first, at most so many."""
    confidence = predictions.probabilities.max(axis=1)
    wrong = np.flatnonzero(predictions.predicted != predictions.labels)
    return [int(row) for row in wrong[np.argsort(-confidence[wrong], kind="stable")][:most]]
