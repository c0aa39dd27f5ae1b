"""Accuracy under corruptions, small shifts and adversarial attacks."""

from markupsafe import Markup

from cifarlab.evaluation.robustness.results import OURS, Robustness, read_results
from cifarlab.plots.corruption_heatmap import plot_corruption_heatmap
from cifarlab.reports.page import Page, RunRecord
from cifarlab.reports.rendering import draw, render
from cifarlab.runs.derived import StaleError
from cifarlab.utils.text import percent

ORDER = 95
TITLE = "Robustness"
_CONSISTENCY = {
    "flip": "a horizontal flip",
    "shift_1": "shifts by one pixel",
    "shift_2": "shifts by two pixels",
}


def build(page: Page) -> Markup | None:
    """Every run that was measured; None where none was."""
    found, stale = _read(page)
    if not found and not stale:
        return None
    shown = [(record, results, _draw(record, results)) for record, results in found]
    ours = any(results.source == OURS for _, results in found)
    return render("robustness", page=page, shown=shown, stale=stale, consistency=_CONSISTENCY, ours=ours, note=OURS)


def _read(page: Page) -> tuple[list[tuple[RunRecord, Robustness]], list[str]]:
    """What was measured, and a sentence about each measurement that is of an earlier model."""
    found, stale = [], []
    for record in page.runs:
        try:
            results = read_results(record.run)
        except StaleError as error:
            stale.append(f"Not shown: {error}.")
            continue
        if results is not None:
            found.append((record, results))
    return found, stale


def _draw(record: RunRecord, results: Robustness) -> Markup:
    figure = plot_corruption_heatmap(
        results.accuracies, results.severities, results.clean_accuracy, extra=results.extra
    )
    shares = {name.replace("_", " "): percent(1 - one.error, 1) for name, one in results.corruptions.items()}
    listed = "; ".join(f"{name} {share}" for name, share in shares.items())
    return draw(
        figure, f"robustness-{record.index}", f"Mean accuracy of {record.label} under each corruption: {listed}"
    )
