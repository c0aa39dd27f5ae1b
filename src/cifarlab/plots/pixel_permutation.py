"""The pixel-permutation test: a picture before and after, and each recipe's accuracy with and without shuffling."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cifarlab.plots._axes import class_rows, draw_interval, percent_ticks, show_image
from cifarlab.plots._style import DASHED, GRID, MUTED, SERIES, Array, style
from cifarlab.utils.text import signed

Score = Mapping[str, Any]
_APART = 0.1


def plot_pixel_permutation(
    rows: Mapping[str, Sequence[Score]], before: Array, after: Array, chance: float = 0.0
) -> Figure:
    """One row a recipe, first on top: a dot as it is, a square on shuffled pixels, and the difference above the line.

    Args:
        rows: Recipe name to accuracy, accuracy on shuffled pixels, and difference, each with `value`, `low`, `high`.
        before: `(H, W, C)` uint8, an example, C is 1 or 3.
        after: `(H, W, C)` uint8, the same with its pixels shuffled.
        chance: Accuracy of random guessing; a dashed line.

    Raises:
        ValueError: If there is no recipe, or the pictures differ in shape.
    """
    if not rows or before.shape != after.shape:
        shapes = f"{before.shape}, {after.shape}"
        raise ValueError(f"expected a recipe or more, and pictures of one shape. Received: {len(rows)}, {shapes}")
    with style():
        figure = Figure(figsize=(7.2, max(2.9, 1.6 + 0.62 * len(rows))), layout="constrained")
        grid = figure.add_gridspec(2, 2, width_ratios=(1, 3.4))
        for place, (picture, title) in enumerate(((before, "original"), (after, "shuffled"))):
            _draw_picture(figure.add_subplot(grid[place, 0]), picture, title, SERIES[place])
        _draw_scores(figure.add_subplot(grid[:, 1]), rows, chance)
    return figure


def _draw_picture(axes: Axes, picture: Array, title: str, colour: str) -> None:
    show_image(axes, picture)
    axes.set_title(title, fontsize=9, loc="center", pad=4, color=colour)


def _draw_scores(axes: Axes, rows: Mapping[str, Sequence[Score]], chance: float) -> None:
    for index, (plain, shuffled, difference) in enumerate(rows.values()):
        ends = (index - _APART, index + _APART)
        axes.plot([plain["value"], shuffled["value"]], ends, color=GRID, linewidth=1.2, zorder=1)
        for score, place, colour, marker in zip((plain, shuffled), ends, SERIES, "os", strict=False):
            draw_interval(axes, [score[key] for key in ("value", "low", "high")], place, colour, marker, size=7)
        middle = (plain["value"] + shuffled["value"]) / 2
        text = f"{signed(100 * difference['value'], decimals=1)} points"
        axes.annotate(
            text, (middle, index - _APART), (0, 8), textcoords="offset points", ha="center", fontweight="bold"
        )
    if chance:
        axes.axvline(chance, color=MUTED, linewidth=1, linestyle=DASHED)
        axes.annotate("chance", (chance, -0.6), (4, 0), textcoords="offset points", color=MUTED, fontsize=8, va="top")
    class_rows(axes, list(rows))
    axes.set_ylim(len(rows) - 0.4, -0.8)
    axes.margins(x=0.08)
    percent_ticks(axes.xaxis, 6, (1, 2, 2.5, 5, 10))
    axes.set_xlabel("accuracy")
