"""Accuracy under corruptions, small shifts and adversarial attacks."""

from typing import Any

from markupsafe import Markup

from cifarlab.evaluation.robustness.results import OURS, read_results
from cifarlab.plots.corruption_heatmap import plot_corruption_heatmap
from cifarlab.reports.page import Page, RunRecord
from cifarlab.reports.rendering import draw, render
from cifarlab.runs.derived import StaleError

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
    ours = any(results["source"] == OURS for _, results in found)
    return render("robustness", page=page, shown=shown, stale=stale, consistency=_CONSISTENCY, ours=ours, note=OURS)


def _read(page: Page) -> tuple[list[tuple[RunRecord, dict[str, Any]]], list[str]]:
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


def _draw(record: RunRecord, results: dict[str, Any]) -> Markup:
    rows = {
        name: [each["value"] for each in corruption["severities"].values()]
        for name, corruption in results["corruptions"].items()
    }
    extra = [name for name, corruption in results["corruptions"].items() if not corruption["benchmark"]]
    figure = plot_corruption_heatmap(rows, results["severities"], results["clean"]["value"], extra=extra)
    listed = "; ".join(f"{name.replace('_', ' ')} {1 - results['corruptions'][name]['error']:.1%}" for name in rows)
    return draw(
        figure, f"robustness-{record.index}", f"Mean accuracy of {record.label} under each corruption: {listed}"
    )
