"""Accuracy of several runs, each with its interval."""

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cifarlab.plots._style import (
    INK,
    draw_interval,
    figure_of,
    new_axes,
    percent_ticks,
    series_colour,
    series_marker,
    style,
)


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
            _, (ax,) = new_axes(5.0, 0.7 + 0.42 * count)
        for index, (value, low, high) in enumerate(intervals.values()):
            height = count - 1 - index
            draw_interval(ax, (value, low, high), height, series_colour(index), series_marker(index), size=8)
            text = f"{100 * value:.1f} %"
            ax.annotate(text, (value, height), (0, 8), textcoords="offset points", ha="center", fontweight="bold")
        ax.set_yticks(range(count), list(intervals)[::-1])
        ax.set_ylim(-0.5, count - 0.2)
        ax.grid(True, axis="x")
        ax.grid(False, axis="y")
        ax.margins(x=0.06)
        ax.tick_params(axis="y", labelcolor=INK)
        percent_ticks(ax.xaxis, 5)
        return figure_of(ax)


def example() -> Figure:
    """Three made-up runs."""
    return plot_accuracy_intervals({"a": (0.5, 0.45, 0.55), "b": (0.58, 0.53, 0.63), "c": (0.6, 0.55, 0.65)})
