"""Reliability diagram: accuracy against confidence, bin by bin."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cifarlab.plots._axes import percent_ticks
from cifarlab.plots._style import DASHED, GRID, INK, MUTED, PAPER, new_axes, series_colour, series_marker, style
from cifarlab.utils.results import ReliabilityBin


def plot_reliability_diagram(runs: Mapping[str, Sequence[ReliabilityBin]]) -> Figure:
    """Accuracy against confidence, a dot a bin with its 95 % whisker; below, how many images each bin holds.

    Args:
        runs: Run name to its bins, as `cifarlab.metrics.reliability` gives them.

    Raises:
        ValueError: If there is no run, or one without bins.
    """
    if not runs or not all(runs.values()):
        raise ValueError(f"expected at least one run, each with bins. Received: {list(runs)}")
    with style():
        # About square above; not by the axes' aspect, which would narrow them and not those below.
        figure, (above, below) = new_axes(4.6, 5.3, 2, 1, sharex=True, height_ratios=[4, 1])
        above.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=DASHED)
        for index, (name, rows) in enumerate(runs.items()):
            _draw_run(above, below, rows, index, name)
        above.set_ylabel("accuracy")
        above.set_xlim(0, 1)
        above.set_ylim(0, 1)
        below.set_ylabel("share of images")
        below.set_xlabel("confidence")
        for axis in (above.xaxis, above.yaxis, below.yaxis):
            percent_ticks(axis)
        above.grid(True, axis="both", color=GRID)
        below.tick_params(axis="x", labelcolor=INK)
        if len(runs) > 1:
            above.legend(loc="upper left")
    return figure


def _draw_run(above: Axes, below: Axes, rows: Sequence[ReliabilityBin], index: int, name: str) -> None:
    colour, marker = series_colour(index), series_marker(index)
    total = sum(row.count for row in rows)
    for row in rows:
        span = np.array([row.accuracy.low, row.accuracy.high], float)
        above.plot([row.confidence] * 2, span, color=colour, linewidth=2.2, alpha=0.45, solid_capstyle="round")
    confidence = [row.confidence for row in rows]
    accuracies = np.array([row.accuracy.value for row in rows], float)
    look: Any = {"markersize": 5, "markeredgecolor": PAPER, "markeredgewidth": 0.8}
    above.plot(confidence, accuracies, marker, color=colour, linestyle="", label=name, **look)
    # Steps by hand and no histogram: what is given are the counts, not the confidences.
    for row in rows:
        edges, share = [row.low, row.high], row.count / total
        below.plot(np.repeat(edges, 2), [0, share, share, 0], color=colour, linewidth=1.2)
        below.fill_between(edges, [share, share], color=colour, alpha=0.15, linewidth=0)
