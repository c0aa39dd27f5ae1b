"""What is left of the accuracy when pictures are worse than those of the test set."""

from typing import Any

from markupsafe import Markup

from cifarlab.evaluation.robustness.results import OURS, read_results
from cifarlab.plots.corruption_heatmap import plot_corruption_heatmap
from cifarlab.reports.page import Page, RunView
from cifarlab.reports.rendering import draw, render
from cifarlab.runs.derived import StaleError

ORDER = 95
TITLE = "Worse pictures"
_CONSISTENCY = {
    "flip": "the mirror image",
    "shift_1": "shifts by one pixel",
    "shift_2": "shifts by two pixels",
}


def build(page: Page) -> Markup | None:
    """Every run that was measured; None where none was."""
    found, stale = _read(page)
    if not found and not stale:
        return None
    shown = [(view, results, _draw(view, results)) for view, results in found]
    ours = any(results["source"] == OURS for _, results in found)
    return render("robustness", page=page, shown=shown, stale=stale, consistency=_CONSISTENCY, ours=ours, note=OURS)


def _read(page: Page) -> tuple[list[tuple[RunView, dict[str, Any]]], list[str]]:
    """What was measured, and a sentence about each measurement that is of an earlier model."""
    found, stale = [], []
    for view in page.runs:
        try:
            results = read_results(view.run)
        except StaleError as error:
            stale.append(f"Not shown: {error}.")
            continue
        if results is not None:
            found.append((view, results))
    return found, stale


def _draw(view: RunView, results: dict[str, Any]) -> Markup:
    rows = {
        name: [each["value"] for each in corruption["severities"].values()]
        for name, corruption in results["corruptions"].items()
    }
    extra = [name for name, corruption in results["corruptions"].items() if not corruption["benchmark"]]
    figure = plot_corruption_heatmap(rows, results["severities"], results["clean"]["value"], extra=extra)
    listed = "; ".join(f"{name.replace('_', ' ')} {1 - results['corruptions'][name]['error']:.1%}" for name in rows)
    return draw(figure, f"robustness-{view.index}", f"Mean accuracy of {view.label} under each corruption: {listed}")
