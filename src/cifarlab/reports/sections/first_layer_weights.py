"""First-layer weights of a dense network, as pictures."""

from markupsafe import Markup

from cifarlab.plots.first_layer import plot_first_layer
from cifarlab.reports.page import Page, RunRecord
from cifarlab.reports.rendering import draw, render
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.text import counted

ORDER = 100
TITLE = "First-layer weights"


def build(page: Page) -> Markup | None:
    """The strongest units of each dense network; None where no run is one."""
    most = page.amount(alone=32, compared=16)
    shown = [found for record in page.runs if (found := _show(record, most)) is not None]
    return render("first_layer_weights", page=page, shown=shown) if shown else None


def _show(record: RunRecord, most: int) -> tuple[RunRecord, str | Markup, int, int] | None:
    try:
        weights = record.first_layer
    except CifarlabError as error:
        return record, str(error), 0, 0
    if weights is None:
        return None
    count = min(most, len(weights))
    described = f"First-layer weights of {counted(count, 'unit')} of {record.label} as small pictures"
    figure = plot_first_layer(weights, most=most, columns=8)
    return record, draw(figure, f"first-layer-{record.index}", described), count, len(weights)
