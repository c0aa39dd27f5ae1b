"""Wrong answers that the model was surest of."""

import numpy as np
from markupsafe import Markup

from cifarlab.reports._items import make_items
from cifarlab.reports._page import Page, RunView
from cifarlab.reports._render import render

ORDER = 70
TITLE = "The most confident mistakes"


def build(page: Page) -> Markup | None:
    """A gallery a run; None where there are no pictures or no mistakes."""
    galleries = [(view, make_items(page, view, _rows(view, page.amount(alone=24, compared=16)))) for view in page.runs]
    galleries = [(view, items) for view, items in galleries if items]
    return render("mistakes", page=page, galleries=galleries) if galleries else None


def _rows(view: RunView, most: int) -> list[int]:
    predictions = view.predictions
    confidence = predictions.probabilities.max(axis=1)
    wrong = np.flatnonzero(predictions.predicted != predictions.labels)
    return [int(row) for row in wrong[np.argsort(-confidence[wrong], kind="stable")][:most]]
