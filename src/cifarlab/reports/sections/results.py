"""Accuracy and loss, before anything else."""

from markupsafe import Markup

from cifarlab.inference.tta import NAMES
from cifarlab.plots.accuracy_intervals import plot_accuracy_intervals
from cifarlab.reports.page import Page, RunRecord
from cifarlab.reports.rendering import draw, percent, render
from cifarlab.runs.derived import StaleError
from cifarlab.runs.layout import NO_TTA, describe_tta
from cifarlab.runs.scores import Scores

ORDER = 10
TITLE = "Results"


def build(page: Page) -> Markup:
    """Accuracy with its interval, loss, how many images, which data, and every notice a reader must not miss."""
    figure = None
    if page.several:
        intervals = {record.label: record.scores.scores["accuracy"] for record in page.runs}
        described = "; ".join(f"{name}: {percent(interval.value)}" for name, interval in intervals.items())
        figure = draw(plot_accuracy_intervals(intervals), "headline", f"Accuracy with 95 % intervals. {described}")
    sources = {str(record.data["name"]): record.data for record in page.runs}
    data = list(sources.values())
    augmented, stale = _find_augmented(page)
    return render(
        "results", page=page, record=page.leader, figure=figure, sources=data, augmented=augmented, stale=stale
    )


def _find_augmented(page: Page) -> tuple[list[tuple[RunRecord, str, Scores]], list[str]]:
    """What was measured with test-time augmentation, which never mixes with the single-view numbers of the page.

    And a sentence about each measurement that is of an earlier model.
    """
    found, stale = [], []
    for record in page.runs:
        for tta in NAMES:
            if tta != NO_TTA and record.run.scores_file(page.split, tta=tta).is_file():
                try:
                    found.append((record, describe_tta(tta), record.run.scores(page.split, tta)))
                except StaleError as error:
                    stale.append(f"Not shown: {error}.")
    return found, stale
