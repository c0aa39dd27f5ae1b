"""All settings of a search side by side: a line a trial, deeper the better it was."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cifarlab.plots._axes import legend_handle
from cifarlab.plots._style import GRID, INK, MUTED, PAPER, RIGHT, WRONG, new_axes, style
from cifarlab.plots._trials import depths, ends, shares
from cifarlab.utils.results import ParameterValues
from cifarlab.utils.text import percent

BEST = 3


def plot_parallel_coordinates(settings: Sequence[ParameterValues], scores: Sequence[float]) -> Figure:
    """A vertical scale for each setting and for the score; the best three trials are drawn over the others.

    Args:
        settings: What the N trials had; a trial with a value outside of what was searched has a gap there.
        scores: N accuracies.

    Raises:
        ValueError: If there is no setting or no trial, or their numbers differ.
    """
    if not settings or not scores or any(len(each.values) != len(scores) for each in settings):
        raise ValueError(f"expected a value for each of {len(scores)} scores. Received: {len(settings)} settings")
    with style():
        columns = len(settings) + 1
        figure, (axes,) = new_axes(max(6.4, 1.35 * columns), 4.3)
        values = np.asarray(scores, float)
        low, high = values.min(), values.max()
        lines = np.column_stack([*(shares(each) for each in settings), (values - low) / ((high - low) or 1.0)])
        order = np.argsort(values, kind="stable")
        for place, depth in zip(order, depths(values[order].tolist()), strict=True):
            is_best = place in order[-BEST:]
            (line,) = axes.plot(range(columns), lines[place], color=WRONG if is_best else RIGHT, markersize=4)
            line.set(linewidth=2.0 if is_best else 1.1, zorder=4 if is_best else 2, marker="o" if is_best else "")
            line.set_alpha(1.0 if is_best else 0.75 * float(depth))
        names = [*(each.name for each in settings), "validation\naccuracy"]
        words = [*(ends(each) for each in settings), [(0.0, percent(low, 1)), (1.0, percent(high, 1))]]
        _draw_scales(axes, names, words)
        handles = [
            legend_handle(f"the best {min(BEST, len(scores))}", WRONG, "o", "-", linewidth=2.0),
            legend_handle("other trials, the better the deeper", RIGHT, line="-", linewidth=1.4),
        ]
        figure.legend(handles=handles[: 1 + (len(scores) > BEST)], loc="outside lower center", ncols=2)
    return figure


def _draw_scales(axes: Axes, names: Sequence[str], words: Sequence[Sequence[tuple[float, str]]]) -> None:
    """A rule with its words for each column, its name above."""
    axes.grid(False)
    axes.set_yticks([])
    axes.set_ylim(-0.06, 1.06)
    axes.set_xlim(-0.35, len(names) - 0.45)
    axes.spines["bottom"].set_visible(False)
    axes.set_xticks(range(len(names)), [name.replace(".", ".\n") for name in names])
    axes.tick_params(axis="x", length=0, labelcolor=INK, top=False, labeltop=True, labelbottom=False, labelsize=8.5)
    for column, ticks in enumerate(words):
        axes.axvline(column, color=GRID, linewidth=1.2, zorder=1)
        for height, word in ticks:
            axes.annotate(
                word, (column, height), (5, 0), textcoords="offset points", va="center", fontsize=7.5, color=MUTED,
                zorder=6, bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 0.8, "alpha": 0.8},
            )  # fmt: skip
