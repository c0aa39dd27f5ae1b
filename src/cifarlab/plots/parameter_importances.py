"""How much of a search's scores each setting explains."""

from collections.abc import Mapping

from matplotlib.figure import Figure

from cifarlab.plots._axes import class_rows, percent_ticks
from cifarlab.plots._style import MUTED, RIGHT, new_axes, style
from cifarlab.utils.text import share


def plot_parameter_importances(importances: Mapping[str, float]) -> Figure:
    """A bar a setting, in the order given, with its share at the end.

    Args:
        importances: Setting to its share of the whole, in `[0, 1]`.

    Raises:
        ValueError: If there is none.
    """
    if not importances:
        raise ValueError("expected at least one setting. Received: none")
    with style():
        figure, (axes,) = new_axes(6.4, 0.8 + 0.34 * len(importances))
        places, values = range(len(importances)), list(importances.values())
        axes.barh(places, values, height=0.62, color=RIGHT)
        for place, value in enumerate(values):
            axes.annotate(share(value), (value, place), (4, 0), textcoords="offset points", va="center", color=MUTED)
        class_rows(axes, list(importances))
        axes.set_xlim(0, 1.12 * max(values))
        axes.set_xlabel("share of what explains the score")
        percent_ticks(axes.xaxis, 5)
        axes.tick_params(axis="x", length=0)
    return figure
