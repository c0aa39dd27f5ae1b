"""Accuracy of several runs, each with its interval."""

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cifarlab.plots._axes import class_rows, draw_interval, percent_ticks
from cifarlab.plots._style import figure_of, new_axes, series_colour, series_marker, style
from cifarlab.utils.results import Interval
from cifarlab.utils.text import percent


def plot_accuracy_intervals(intervals: Mapping[str, Interval], *, ax: Axes | None = None) -> Figure:
    """One row a run, first on top: a dot at the accuracy, a whisker over its 95 % interval.

    Args:
        intervals: Run name to its accuracy, a fraction.
        ax: Draw here instead of on a new figure.

    Raises:
        ValueError: If there is no run.
    """
    if not intervals:
        raise ValueError("expected at least one run. Received: none")
    count = len(intervals)
    with style():
        if ax is None:
            _, (ax,) = new_axes(5.0, 0.9 + 0.42 * count)
        for index, each in enumerate(intervals.values()):
            look = (series_colour(index), series_marker(index))
            draw_interval(ax, (each.value, each.low, each.high), index, *look, size=8)
            if each.value is not None:
                place = (each.value, index)
                text = percent(each.value, 1)
                ax.annotate(text, place, (0, 8), textcoords="offset points", ha="center", fontweight="bold")
        class_rows(ax, list(intervals))
        ax.set_ylim(count - 0.5, -0.8)  # room for the number above the first dot
        ax.margins(x=0.06)
        ax.set_xlabel("accuracy")
        percent_ticks(ax.xaxis, 5)
        return figure_of(ax)
