"""Risk against coverage: the error rate that is left when a model abstains on its least confident predictions."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from cifarlab.plots._axes import percent_ticks
from cifarlab.plots._style import new_axes, series_colour, series_marker, style
from cifarlab.utils.results import RiskCoverage


def plot_risk_coverage(runs: Mapping[str, RiskCoverage]) -> Figure:
    """One curve a run: the error rate among the images answered, most confident first, against their share.

    Args:
        runs: Run name to its curve, as `cifarlab.metrics.risk_coverage` gives it; its points get a dot and a 95 %
            whisker.

    Raises:
        ValueError: If there is no run.
    """
    if not runs:
        raise ValueError("expected at least one run. Received: none")
    with style():
        figure, (axes,) = new_axes(4.6, 3.6)
        for index, (name, curve) in enumerate(runs.items()):
            colour = series_colour(index)
            axes.plot(curve.coverage, curve.risk, color=colour, label=name)
            for point in curve.points:
                risk, place = point.risk, point.coverage
                limits, value = np.array([risk.low, risk.high], float), np.array([risk.value], float)
                axes.plot([place, place], limits, color=colour, linewidth=2.2, alpha=0.45)
                axes.plot([place], value, series_marker(index), color=colour, markersize=5)
        axes.set_xlim(0, 1.02)
        axes.set_ylim(bottom=0)
        axes.set_xlabel("coverage (share of images, most confident first)")
        axes.set_ylabel("selective risk (error rate)")
        percent_ticks(axes.xaxis)
        percent_ticks(axes.yaxis)
        axes.grid(True, axis="both")
        if len(runs) > 1:
            axes.legend(loc="upper left")
    return figure
