"""Units of a dense network that output 0 for every image, layer by layer."""

from markupsafe import Markup

from cifarlab.evaluation.dead_units import SMALL_SHARE
from cifarlab.reports.page import Page
from cifarlab.reports.rendering import render

ORDER = 104
TITLE = "Dead units"


def build(page: Page) -> Markup | None:
    """A small table for each dense network whose units were counted by `evaluate`; None where none was."""
    shown = [record for record in page.runs if record.scores.activity and record.scores.activity.layers]
    return render("dead_units", page=page, shown=shown, band=SMALL_SHARE) if shown else None
