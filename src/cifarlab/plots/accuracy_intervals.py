"""Accuracy of several runs, each with its interval."""

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cifarlab.plots._axes import class_rows, draw_interval, percent_ticks
from cifarlab.plots._style import figure_of, new_axes, series_colour, series_marker, style
from cifarlab.utils.text import percent


def plot_accuracy_intervals(intervals: Mapping[str, tuple[float, float, float]], *, ax: Axes | None = None) -> Figure:
    """One row a run, first on top: a dot at the accuracy, a whisker over its 95 % interval.

    Args:
        intervals: Run name to `(value, low, high)`, fractions in `[0, 1]`.
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
        for index, (value, low, high) in enumerate(intervals.values()):
            draw_interval(ax, (value, low, high), index, series_colour(index), series_marker(index), size=8)
            text = percent(value, 1)
            ax.annotate(text, (value, index), (0, 8), textcoords="offset points", ha="center", fontweight="bold")
        class_rows(ax, list(intervals))
        ax.set_ylim(count - 0.5, -0.8)  # room for the number above the first dot
        ax.margins(x=0.06)
        ax.set_xlabel("accuracy")
        percent_ticks(ax.xaxis, 5)
        return figure_of(ax)
