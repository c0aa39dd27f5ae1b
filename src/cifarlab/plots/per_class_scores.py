"""Scores class by class, each with its interval: dots with whiskers."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cifarlab.plots._axes import class_rows, draw_interval, legend_handle, percent_ticks
from cifarlab.plots._style import new_axes, series_colour, series_marker, style
from cifarlab.utils.results import ClassScores, Interval

_TITLES = {"precision": "Precision", "recall": "Recall", "f1": "F1"}


def plot_per_class_scores(runs: Mapping[str, Sequence[ClassScores]]) -> Figure:
    """One panel a score, one row a class, one dot with its 95 % whisker a run.

    Args:
        runs: Run name to its classes, all runs with the same ones in the same order. Classes are sorted by the first
            run's F1, best on top.

    Raises:
        ValueError: If there is no run, or the runs' classes differ.
    """
    lists = list(runs.values())
    names = [row.class_name for row in lists[0]] if lists else []
    if not names or any([row.class_name for row in rows] != names for rows in lists):
        raise ValueError(f"expected runs with the same classes. Received: {list(runs)}")
    order = sorted(range(len(names)), key=lambda index: lists[0][index].f1.value or 0.0)
    with style():
        step = 0.3 + 0.07 * (len(lists) - 1) if len(names) <= 20 else 0.16
        figure, panels = new_axes(7.3, 1.0 + step * len(names), 1, len(_TITLES), sharex=True, sharey=True)
        for axes, quantity in zip(panels, _TITLES, strict=True):
            for place, class_index in enumerate(order):
                for run_index, rows in enumerate(lists):
                    # The runs of a class side by side in 0.62 of its row, the first one on top.
                    offset = 0.62 * ((len(lists) - 1) / 2 - run_index) / max(len(lists), 1)
                    score: Interval = getattr(rows[class_index], quantity)
                    interval = (score.value, score.low, score.high)
                    look = (series_colour(run_index), series_marker(run_index))
                    draw_interval(axes, interval, place + offset, *look, size=5.5 if len(lists) < 4 else 4.5)
            _finish(axes, quantity, [names[index] for index in order])
        if len(runs) > 1:
            handles = [legend_handle(name, series_colour(i), series_marker(i)) for i, name in enumerate(runs)]
            figure.legend(handles=handles, loc="outside lower center", ncols=min(len(runs), 4))
    return figure


def _finish(axes: Axes, quantity: str, names: Sequence[str]) -> None:
    axes.set_title(_TITLES[quantity])
    class_rows(axes, names, top_down=False, size=9 if len(names) <= 20 else 6)
    axes.grid(True, axis="both")
    percent_ticks(axes.xaxis, 4)
