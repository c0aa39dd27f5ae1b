"""Precision, recall and F1 of every class."""

from markupsafe import Markup

from cifarlab.plots.per_class_scores import plot_per_class_scores
from cifarlab.reports.page import Page
from cifarlab.reports.rendering import draw, render

ORDER = 50
TITLE = "Class by class, in numbers"


def build(page: Page) -> Markup:
    """Dots with whiskers and the table behind them; runs with other classes than the first stand on their own."""
    groups: dict[tuple[str, ...], list[int]] = {}
    for view in page.runs:
        groups.setdefault(view.class_names, []).append(view.index)
    parts = []
    for number, members in enumerate(groups.values()):
        views = [page.runs[index] for index in members]
        figure = plot_per_class_scores({view.label: view.scores["per_class"] for view in views})
        described = "Precision, recall and F1 of every class with 95 % intervals; the same numbers are in the table"
        parts.append((views, draw(figure, f"per-class-{number}", described)))
    return render("per_class", page=page, parts=parts)
