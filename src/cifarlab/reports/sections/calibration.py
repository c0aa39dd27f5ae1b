"""Whether confidence matches accuracy, and what the model gains by abstaining."""

from markupsafe import Markup

from cifarlab import metrics
from cifarlab.inference.temperature import FILE_NAME, stored_temperature
from cifarlab.plots.reliability_diagram import plot_reliability_diagram
from cifarlab.plots.risk_coverage import plot_risk_coverage
from cifarlab.reports.page import Page, RunRecord
from cifarlab.reports.rendering import draw, render
from cifarlab.runs.derived import StaleError
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.results import Interval

ORDER = 75
TITLE = "Calibration"
_SCORES = ("expected_calibration_error", "equal_mass_calibration_error", "brier_loss")


def build(page: Page) -> Markup | None:
    """Reliability diagram, risk against coverage and the table behind them; None where there are no images."""
    records = [record for record in page.runs if len(record.predictions)]
    if not records:
        return None
    curves = {record.label: metrics.risk_coverage(record.predictions) for record in records}
    bins = {record.label: metrics.reliability(record.predictions) for record in records}
    return render(
        "calibration",
        page=page,
        rows=[(record, _scores(record), curves[record.label], _temperature(record)) for record in records],
        reliability=draw(plot_reliability_diagram(bins), "reliability", "Accuracy against confidence, in 15 bins"),
        risk=draw(plot_risk_coverage(curves), "risk", "Error rate against coverage, the share of images predicted"),
    )


def _scores(record: RunRecord) -> list[Interval]:
    """The stored scores; those that an older version did not store are measured now."""
    return [record.value(name) or metrics.measure(name, record.predictions) for name in _SCORES]


def _temperature(record: RunRecord) -> str:
    """As the table says it; of one that was fitted to another model not the number, but that it was."""
    try:
        found = stored_temperature(record.run)
    except StaleError:
        return "of an earlier model"
    except CifarlabError:  # the run has no model any more, or the file is damaged
        return "not fitted"
    kept = found is None and (record.run.path / FILE_NAME).is_file()
    return "1, as the images tell none" if kept else "not fitted" if found is None else f"{found:.3f}"
