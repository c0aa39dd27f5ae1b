"""What the first layer of a dense network looks for."""

from markupsafe import Markup

from cifarlab.plots.first_layer import plot_first_layer
from cifarlab.reports.page import Page, RunView
from cifarlab.reports.rendering import draw, render
from cifarlab.reports.weights import read_first_layer
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.text import counted

ORDER = 100
TITLE = "What the first layer looks for"


def build(page: Page) -> Markup | None:
    """The strongest units of each dense network; None where no run is one."""
    most = page.amount(alone=32, compared=16)
    shown = [found for view in page.runs if (found := _show(view, most)) is not None]
    return render("first_layer", page=page, shown=shown) if shown else None


def _show(view: RunView, most: int) -> tuple[RunView, str | Markup, int, int] | None:
    if not view.run.model_file.is_file():
        return None
    try:
        weights = read_first_layer(view.run.model_file)
    except CifarlabError as error:
        return view, str(error), 0, 0
    if weights is None:
        return None
    count = min(most, len(weights))
    described = f"First-layer weights of {counted(count, 'unit')} of {view.label} as small pictures"
    figure = plot_first_layer(weights, most=most, columns=8)
    return view, draw(figure, f"first-layer-{view.index}", described), count, len(weights)
