"""Accuracy over a setting that was swept, with intervals over seeds."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from cifarlab.plots._axes import percent_ticks
from cifarlab.plots._style import new_axes, series_colour, series_marker, style
from cifarlab.utils.results import Interval

_LOG_FROM = 8.0
"""Values whose largest is so many times the smallest are drawn on a logarithmic scale."""


def plot_swept_setting(curves: Mapping[str, Sequence[tuple[float, Interval]]], setting: str) -> Figure:
    """One line a recipe: a dot at each mean accuracy, a whisker over its interval.

    Args:
        curves: Name to the setting's values, each with the accuracy, a fraction; undefined ones are left out.
        setting: Its name, below the axis.

    Raises:
        ValueError: If there is no curve with a value.
    """
    if not any(curves.values()):
        raise ValueError("expected at least one curve with a value. Received: none")
    values = sorted({value for points in curves.values() for value, _ in points})
    is_log = values[0] > 0 and values[-1] / values[0] >= _LOG_FROM
    with style():
        figure, (axes,) = new_axes(6.4, 3.4)
        for index, (name, points) in enumerate(curves.items()):
            known = sorted((value, each.value, each.low, each.high) for value, each in points if each.value is not None)
            below = [0.0 if low is None else mean - low for _, mean, low, _ in known]
            above = [0.0 if high is None else high - mean for _, mean, _, high in known]
            axes.errorbar(
                [value for value, *_ in known],
                [mean for _, mean, *_ in known],
                yerr=(below, above),
                color=series_colour(index),
                marker=series_marker(index),
                markersize=5,
                elinewidth=1.2,
                capsize=3,
                label=name,
            )
        if is_log:
            axes.set_xscale("log")
        axes.set_xticks(values, [f"{value:g}" for value in values])
        axes.minorticks_off()
        axes.set_xlabel(setting)
        axes.set_ylabel("validation accuracy")
        percent_ticks(axes.yaxis, 6)
        axes.margins(x=0.06, y=0.08)
        if len(curves) > 1:
            figure.legend(loc="outside lower center", ncols=3)
    return figure
