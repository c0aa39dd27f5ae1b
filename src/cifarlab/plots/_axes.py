"""What the axes of several figures have in common: named rows, coloured cells, pictures, intervals, ticks, legends."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import Formatter, MaxNLocator

from cifarlab.plots._style import GRID, INK, PAPER, Array
from cifarlab.utils.text import rounded


def class_rows(axes: Axes, names: Sequence[str], *, top_down: bool = True, size: float = 9) -> None:
    """A named row for every class, run or slice, at the heights 0, 1, 2 ...; a grid along the values alone."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(*((len(names) - 0.4, -0.6) if top_down else (-0.6, len(names) - 0.3)))
    axes.tick_params(axis="y", labelcolor=INK, labelsize=size)
    axes.grid(True, axis="x")
    axes.grid(False, axis="y")


def matrix_cells(axes: Axes, heat: Array, rows: Sequence[str], columns: Sequence[str], *, aspect: str = "auto") -> None:
    """A cell for each pair of row and column, framed and without a grid; heat is `(R, C, 4)` float RGBA in `[0, 1]`."""
    axes.imshow(heat, interpolation="none", aspect=aspect)  # type: ignore[arg-type]
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(rows)), rows)
    axes.tick_params(length=0, labelcolor=INK, pad=3)
    axes.grid(False)
    axes.spines["bottom"].set_visible(False)
    outline(axes)


def rule_cells(axes: Axes, rows: int, columns: int) -> None:
    """Thin lines of paper between the cells."""
    for edge in range(rows - 1):
        axes.axhline(edge + 0.5, color=PAPER, linewidth=1)
    for edge in range(columns - 1):
        axes.axvline(edge + 0.5, color=PAPER, linewidth=1)


def show_image(axes: Axes, image: Array | None, caption: str = "", *, colour: str = INK, framed: bool = False) -> None:
    """A picture `(H, W, 1 or 3)` uint8 enlarged without smoothing, its caption under it; None leaves the axes empty."""
    axes.grid(False)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set(visible=framed and image is not None, color=GRID)
    if image is not None:
        axes.imshow(to_rgb(image), interpolation="none")
        axes.set_xlabel(caption, fontsize=7.5, color=colour, labelpad=3)


def to_rgb(images: Array) -> Array:
    """`(..., 1)` or `(..., 3)` as `(..., 3)`: matplotlib would colour a single channel."""
    return np.repeat(images, 3, axis=-1) if images.shape[-1] == 1 else images


def draw_interval(
    axes: Axes, interval: Sequence[float | None], height: float, colour: str, marker: str = "o", *, size: float = 5.5
) -> None:
    """One dot with its whisker on a horizontal scale; what is undefined (None) is not drawn.

    Args:
        axes: Where to draw.
        interval: `(value, low, high)`.
        height: Vertical position.
        colour: Of dot and whisker.
        marker: Shape of the dot.
        size: Of the dot, in points.
    """
    value, low, high = interval
    if value is None:
        return
    if low is not None and high is not None:
        # Paler than the dot, so that the value is seen before its uncertainty.
        axes.plot([low, high], [height, height], color=colour, linewidth=2.2, alpha=0.45, solid_capstyle="round")
    axes.plot([value], [height], marker, color=colour, markersize=size, markeredgecolor=PAPER, markeredgewidth=0.8)


def legend_handle(label: str, colour: str, marker: str = "", line: Any = "", **look: Any) -> Line2D:
    """An entry of a legend that is drawn by hand; without `marker` or `line` there is none."""
    return Line2D([], [], label=label, color=colour, marker=marker, linestyle=line, **{"markersize": 5, **look})


def percent_ticks(axis: Axis, most: int = 0, steps: Sequence[float] = (1, 2, 5, 10)) -> None:
    """Fractions along `axis` are told as percents, with as many decimals as their steps need.

    Args:
        axis: `axes.xaxis` or `axes.yaxis`.
        most: How many steps there may be; 0 leaves the ticks where they are.
        steps: What a step may be, times a power of ten; from 1 to 10.
    """
    if most:
        axis.set_major_locator(MaxNLocator(nbins=most, steps=steps))
    axis.set_major_formatter(_Percents())


def epoch_ticks(axis: Axis) -> None:
    """Whole numbers along `axis`, also where there is a single one."""
    axis.set_major_locator(MaxNLocator(nbins=7, integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))


def outline(axes: Axes) -> None:
    """A thin frame around the whole of `axes`."""
    frame = Rectangle((0, 0), 1, 1, transform=axes.transAxes, fill=False, edgecolor=GRID, linewidth=0.7)
    frame.set_clip_on(False)  # else the outer half of the line is cut off
    axes.add_patch(frame)


class _Percents(Formatter):
    """matplotlib's own looks at the length of the scale, not at the steps: 12.5 % becomes 12 %."""

    def __call__(self, value: float, pos: int | None = None) -> str:
        return self.format_ticks([value])[0]

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        percents = [100 * value for value in values]
        # The first number of decimals that loses nothing of any tick, so that all ticks have the same.
        exact = (count for count in range(4) if all(abs(each - round(each, count)) < 1e-6 for each in percents))
        decimals = next(exact, 4)
        return [f"{rounded(each, decimals)} %" for each in percents]
