"""The confusion matrix of each run."""

from markupsafe import Markup

from cifarlab.plots.confusion_matrix import plot_confusion_matrix
from cifarlab.reports.page import Page
from cifarlab.reports.rendering import draw, render

ORDER = 40
TITLE = "Confusion matrix"


def build(page: Page) -> Markup:
    """One confusion matrix a run."""
    figures = []
    for record in page.runs:
        figure = plot_confusion_matrix(record.scores.confusion_matrix, record.class_names)
        described = f"Confusion matrix of {record.label}; the table below has each class's numbers"
        figures.append((record, draw(figure, f"confusion-{record.index}", described)))
    return render(
        "confusion_matrix", page=page, figures=figures, size=max(len(record.class_names) for record in page.runs)
    )
