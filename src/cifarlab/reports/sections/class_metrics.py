"""Precision, recall and F1 of every class."""

from markupsafe import Markup

from cifarlab.plots.per_class_scores import plot_per_class_scores
from cifarlab.reports.page import Page
from cifarlab.reports.rendering import draw, render

ORDER = 50
TITLE = "Class metrics"


def build(page: Page) -> Markup:
    """Dots with whiskers and the table behind them; runs with other classes than the first stand on their own."""
    groups: dict[tuple[str, ...], list[int]] = {}
    for record in page.runs:
        groups.setdefault(record.class_names, []).append(record.index)
    parts = []
    for number, members in enumerate(groups.values()):
        records = [page.runs[index] for index in members]
        figure = plot_per_class_scores({record.label: record.scores.per_class for record in records})
        described = "Precision, recall and F1 of every class with 95 % intervals; the same numbers are in the table"
        parts.append((records, draw(figure, f"per-class-{number}", described)))
    return render("class_metrics", page=page, parts=parts)
