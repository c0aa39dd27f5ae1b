"""The mistakes with the highest loss: confident, and wrong."""

import numpy as np
from markupsafe import Markup

from cifarlab.reports._items import make_galleries
from cifarlab.reports.page import Page
from cifarlab.reports.rendering import render
from cifarlab.runs.predictions import Predictions

ORDER = 70
TITLE = "Top losses"
MOST_COMPARED = 16


def build(page: Page) -> Markup | None:
    """A gallery a run; None where there are no pictures or no mistakes."""
    most = page.amount(alone=24, compared=MOST_COMPARED)
    galleries = make_galleries(page, lambda record: find_top_losses(record.predictions, most))
    return render("top_losses", page=page, galleries=galleries) if galleries else None


def find_top_losses(predictions: Predictions, most: int) -> list[int]:
    """The rows of the mistakes, the highest loss first, at most so many."""
    wrong = np.flatnonzero(predictions.predicted != predictions.labels)
    return [int(row) for row in wrong[np.argsort(-predictions.losses[wrong], kind="stable")][:most]]
