"""The pixel-permutation test: a picture before and after, and each recipe's accuracy with and without shuffling."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cifarlab.plots._style import GRID, INK, MUTED, SERIES, Array, draw_interval, percent_ticks, style
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
        chance: What guessing reaches; a dashed line.

    Raises:
        ValueError: If there is no recipe, or the pictures differ in shape.
    """
    if not rows or before.shape != after.shape:
        shapes = f"{before.shape}, {after.shape}"
        raise ValueError(f"expected a recipe or more, and pictures of one shape. Received: {len(rows)}, {shapes}")
    with style():
        figure = Figure(figsize=(7.2, max(2.9, 1.6 + 0.62 * len(rows))), layout="constrained")
        grid = figure.add_gridspec(2, 2, width_ratios=(1, 3.4))
        for place, (picture, title) in enumerate(((before, "as it is"), (after, "shuffled"))):
            _draw_picture(figure.add_subplot(grid[place, 0]), picture, title, SERIES[place])
        _draw_scores(figure.add_subplot(grid[:, 1]), rows, chance)
    return figure


def example() -> Figure:
    """Two made-up recipes."""
    image = np.arange(4 * 4 * 3, dtype=np.uint8).reshape(4, 4, 3) * 5

    def score(value: float) -> Score:
        return {"value": value, "low": value - 0.01, "high": value + 0.01}

    rows = {"dense": (score(0.55), score(0.549), score(-0.001)), "conv": (score(0.9), score(0.4), score(-0.5))}
    return plot_pixel_permutation(rows, image, image[::-1], 0.1)


def _draw_picture(axes: Axes, picture: Array, title: str, colour: str) -> None:
    shown = np.repeat(picture, 3, axis=-1) if picture.shape[-1] == 1 else picture
    axes.imshow(shown, interpolation="none")
    axes.set_axis_off()
    axes.set_title(title, fontsize=9, loc="center", pad=4, color=colour)


def _draw_scores(axes: Axes, rows: Mapping[str, Sequence[Score]], chance: float) -> None:
    for index, (plain, shuffled, difference) in enumerate(rows.values()):
        height = len(rows) - 1 - index
        ends = (height + _APART, height - _APART)
        axes.plot([plain["value"], shuffled["value"]], ends, color=GRID, linewidth=1.2, zorder=1)
        for score, place, colour, marker in zip((plain, shuffled), ends, SERIES, "os", strict=False):
            draw_interval(axes, [score[key] for key in ("value", "low", "high")], place, colour, marker, size=7)
        middle = (plain["value"] + shuffled["value"]) / 2
        text = f"{signed(100 * difference['value'], decimals=1)} points"
        axes.annotate(
            text, (middle, height + _APART), (0, 8), textcoords="offset points", ha="center", fontweight="bold"
        )
    if chance:
        axes.axvline(chance, color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
        axes.annotate(
            "guessing", (chance, len(rows) - 0.35), (4, 0), textcoords="offset points", color=MUTED, fontsize=8
        )
    axes.set_yticks(range(len(rows)), list(rows)[::-1])
    axes.set_ylim(-0.6, len(rows) - 0.2)
    axes.grid(True, axis="x")
    axes.grid(False, axis="y")
    axes.margins(x=0.08)
    axes.tick_params(axis="y", labelcolor=INK)
    percent_ticks(axes.xaxis, 6, (1, 2, 2.5, 5, 10))
    axes.set_xlabel("accuracy")
