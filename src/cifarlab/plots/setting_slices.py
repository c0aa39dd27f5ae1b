"""The score of each trial against each of its settings."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from cifarlab.plots._axes import percent_ticks
from cifarlab.plots._style import PAPER, RIGHT, SERIES, new_axes, style
from cifarlab.plots._trials import heights, setting_ticks
from cifarlab.utils.results import ParameterValues

_COLUMNS = 3
_SPREAD = 0.22  # choices stand at whole numbers: their dots are spread this far, so that none hides another


def plot_setting_slices(settings: Sequence[ParameterValues], scores: Sequence[float]) -> Figure:
    """A panel a setting: numbers on their own scale, choices side by side; the best trial is a square.

    Args:
        settings: What the N trials had; a value outside of what was searched is not drawn.
        scores: N accuracies.

    Raises:
        ValueError: If there is no setting or no trial, or their numbers differ.
    """
    if not settings or not scores or any(len(each.values) != len(scores) for each in settings):
        raise ValueError(f"expected a value for each of {len(scores)} scores. Received: {len(settings)} settings")
    with style():
        columns = min(_COLUMNS, len(settings))
        rows = -(-len(settings) // columns)
        figure, panels = new_axes(max(4.2, 2.9 * columns), 0.3 + 2.3 * rows, rows, columns, sharey=True)
        values = np.asarray(scores, float)
        best = int(values.argmax())
        spread = _SPREAD * np.cos(2.4 * np.arange(len(values)))  # the same at each drawing, and unlike its neighbours
        for place, axes in enumerate(panels):
            if place >= len(settings):
                axes.set_visible(False)
                continue
            each = settings[place]
            at = heights(each) + (spread if each.choices else 0)
            axes.plot(at, values, "o", color=RIGHT, markersize=5, alpha=0.6, markeredgecolor=PAPER, markeredgewidth=0.6)
            (top,) = axes.plot(at[best : best + 1], values[best : best + 1], "s", color=SERIES[1], markersize=7)
            top.set(markeredgecolor=PAPER, zorder=5)
            setting_ticks(axes, axes.xaxis, each)
            if each.choices:
                axes.set_xlim(-0.5, len(each.choices) - 0.5)
                if max(map(len, each.choices)) * len(each.choices) > 26:
                    axes.tick_params(axis="x", labelrotation=20, labelsize=7)
            axes.set_title(each.name)
            axes.grid(True, axis="both")
            if place % columns == 0:
                axes.set_ylabel("validation accuracy")
        percent_ticks(panels[0].yaxis, 5)
    return figure
