"""The ladder: accuracy against training time and against parameters, rung by rung."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from cifarlab.plots._axes import legend_handle, percent_ticks
from cifarlab.plots._labels import place_labels
from cifarlab.plots._style import DASHED, MUTED, PAPER, SERIES, new_axes, style
from cifarlab.utils.text import in_percent

# Name: colour, marker, filled, what the legend calls it.
_SERIES = {
    "record": (SERIES[0], "o", True, "on the ladder"),
    "side": (SERIES[1], "s", False, "beside it: does not count for the record"),
    "own": (SERIES[2], "D", False, "your own runs"),
}
_SECONDS = {
    **{1: "1 s", 3: "3 s", 10: "10 s", 30: "30 s", 60: "1 min", 180: "3 min", 600: "10 min", 1800: "30 min"},
    **{3600: "1 h", 10800: "3 h", 36000: "10 h", 108000: "30 h"},
}
_PARAMETERS = {
    number * 10**power: f"{number * 10 ** (power % 3):g} {unit}".strip()
    for power, unit in ((2, ""), (3, "k"), (4, "k"), (5, "k"), (6, "M"), (7, "M"), (8, "M"), (9, "G"))
    for number in (1, 3)
}


def plot_ladder(points: Sequence[Mapping[str, Any]], published: Sequence[tuple[float, str]] = ()) -> Figure:
    """Two panels on one scale of accuracy; a line goes through the rungs of the ladder, in their order.

    Args:
        points: In the order of the rungs: `rung` (its name), `series` (`"record"`, `"side"` or `"own"`), `accuracy`
            with `low` and `high`, fractions, `training_seconds`, `parameters`, and `accelerators`, which marks the
            name of a rung whose time is not a processor's.
        published: Accuracy and label of what others reached, drawn as lines over both panels.

    Raises:
        ValueError: If there is no point.
    """
    if not points:
        raise ValueError("expected at least one rung. Received: none")
    with style():
        figure, panels = new_axes(10.6, 4.4, 1, 2, sharey=True)
        panels[0].set_ylim(*_limits(points, published))
        for axes, (quantity, ticks, label) in zip(
            panels,
            (
                ("training_seconds", _SECONDS, "training time of one run"),
                ("parameters", _PARAMETERS, "parameters"),
            ),
            strict=True,
        ):
            _scale(axes, [float(point[quantity]) for point in points], ticks)
            axes.set_xlabel(label)
            for accuracy, _ in published:
                axes.axhline(accuracy, color=MUTED, linewidth=0.9, linestyle=DASHED, zorder=1)
            for name in ("record", "side", "own"):
                _draw_series(axes, [point for point in points if point["series"] == name], quantity, name)
        percent_ticks(panels[0].yaxis, 9)
        panels[0].set_ylabel("test accuracy")
        _name_published(panels[-1], published)
        _add_legend(figure, points)
        figure.draw_without_rendering()  # the labels are placed where everything has its final size
        for axes, quantity in zip(panels, ("training_seconds", "parameters"), strict=True):
            _name_rungs(axes, points, quantity, [accuracy for accuracy, _ in published])
    return figure


def _limits(points: Sequence[Mapping[str, Any]], published: Sequence[tuple[float, str]]) -> tuple[float, float]:
    heights = [point[key] for point in points for key in ("accuracy", "low", "high") if point[key] is not None]
    heights += [accuracy for accuracy, _ in published]
    return max(0.0, min(heights) - 0.03), min(1.0, max(heights) + 0.03)


def _scale(axes: Axes, values: Sequence[float], ticks: Mapping[int, str]) -> None:
    """A logarithmic scale that begins and ends a little outside the values, with ticks that have names."""
    axes.set_xscale("log")
    low, high = min(values) / 1.8, max(values) * 3.0  # more room on the right, where most names stand
    axes.set_xlim(low, high)
    axes.xaxis.set_major_locator(FixedLocator([tick for tick in ticks if low <= tick <= high]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: ticks.get(round(value), "")))


def _draw_series(axes: Axes, points: Sequence[Mapping[str, Any]], quantity: str, name: str) -> None:
    colour, marker, filled, _ = _SERIES[name]
    places = [point[quantity] for point in points]
    for path in _paths(points, quantity) if name == "record" else []:
        axes.plot(*zip(*path, strict=True), color=colour, linewidth=1.4, alpha=0.7, zorder=2)
    for point, place in zip(points, places, strict=True):
        if point["low"] is not None:
            limits = [point["low"], point["high"]]
            axes.plot([place, place], limits, "_-", color=colour, linewidth=1.4, markersize=8, zorder=3)
        (dot,) = axes.plot([place], [point["accuracy"]], marker, color=colour, markersize=5.5, zorder=4)
        dot.set(markeredgecolor=PAPER if filled else colour, markeredgewidth=1.0 if filled else 1.6)
        # Empty, so that one's own runs do not hide the rung that they repeat.
        dot.set_markerfacecolor(colour if filled else "none")


def _paths(points: Sequence[Mapping[str, Any]], quantity: str) -> list[list[tuple[float, float]]]:
    """What is joined by a line, rung after rung; seconds of a processor and of an accelerator are not."""
    kinds = [point["accelerators"] if quantity == "training_seconds" else "" for point in points]
    return [
        [(point[quantity], point["accuracy"]) for point, other in zip(points, kinds, strict=True) if other == kind]
        for kind in dict.fromkeys(kinds)
    ]


def _name_published(axes: Axes, published: Sequence[tuple[float, str]]) -> None:
    """Each line's label, outside on its right, where no rung can be."""
    for accuracy, label in published:
        text = f"{in_percent(accuracy).rstrip('0').rstrip('.')} %\n{label}"
        axes.annotate(
            text, (1, accuracy), (6, 0), xycoords=("axes fraction", "data"), textcoords="offset points", va="center",
            color=MUTED, fontsize=8, annotation_clip=False,
        )  # fmt: skip


def _name_rungs(axes: Axes, points: Sequence[Mapping[str, Any]], quantity: str, lines: Sequence[float]) -> None:
    """Each rung's name beside it, once, though it has a point of one's own runs too."""
    named: dict[str, Mapping[str, Any]] = {}
    for point in points:
        named.setdefault(point["rung"], point)
    labels = [
        (
            point["rung"] + (" (accelerator)" if point["accelerators"] and quantity == "training_seconds" else ""),
            point[quantity],
            point["accuracy"],
        )
        for point in named.values()
    ]
    paths = _paths([point for point in points if point["series"] == "record"], quantity)
    dots = [(point[quantity], point["accuracy"]) for point in points]
    place_labels(axes, labels, dots=dots, paths=paths, lines=lines)


def _add_legend(figure: Figure, points: Sequence[Mapping[str, Any]]) -> None:
    drawn = {point["series"] for point in points}
    handles = [
        legend_handle(
            label, colour, marker, "-" if name == "record" else "", markersize=6,
            markerfacecolor=colour if filled else "none",
        )
        for name, (colour, marker, filled, label) in _SERIES.items()
        if name in drawn
    ]  # fmt: skip
    if any(point["low"] is not None for point in points):
        handles.append(legend_handle("95 % interval", MUTED, "|", markersize=12, markeredgewidth=1.4))
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), handlelength=2.2)
