"""The result, before anything else."""

from markupsafe import Markup

from cifarlab.plots.accuracy_intervals import plot_accuracy_intervals
from cifarlab.reports._page import Page
from cifarlab.reports._render import draw, percent, render

ORDER = 10
TITLE = "The result"


def build(page: Page) -> Markup:
    """Accuracy with its interval, loss, how many images, which data, and every notice a reader must not miss."""
    figure = None
    if page.several:
        intervals = {view.label: _accuracy(view.scores) for view in page.runs}
        described = "; ".join(f"{name}: {percent(value)}" for name, (value, _, _) in intervals.items())
        figure = draw(plot_accuracy_intervals(intervals), "headline", f"Accuracy with 95 % intervals. {described}")
    sources = {str(view.data["name"]): view.data for view in page.runs}
    return render("headline", page=page, view=page.leader, figure=figure, sources=list(sources.values()))


def _accuracy(scores: dict[str, dict[str, dict[str, float]]]) -> tuple[float, float, float]:
    score = scores["scores"]["accuracy"]
    return score["value"], score["low"], score["high"]
