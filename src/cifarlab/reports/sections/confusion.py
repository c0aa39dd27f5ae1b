"""What each class was taken for."""

from markupsafe import Markup

from cifarlab.plots.confusion_matrix import plot_confusion_matrix
from cifarlab.reports.page import Page
from cifarlab.reports.rendering import draw, render

ORDER = 40
TITLE = "What was taken for what"


def build(page: Page) -> Markup:
    """One confusion matrix a run."""
    figures = []
    for view in page.runs:
        figure = plot_confusion_matrix(view.scores["confusion_matrix"], view.class_names)
        described = f"Confusion matrix of {view.label}; the table below has each class's numbers"
        figures.append((view, draw(figure, f"confusion-{view.index}", described)))
    return render("confusion", page=page, figures=figures, size=max(len(view.class_names) for view in page.runs))
