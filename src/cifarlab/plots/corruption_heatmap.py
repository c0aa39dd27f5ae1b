"""Accuracy under each corruption at each severity, as a map with the numbers in it."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cifarlab.plots._style import (
    INK,
    MUTED,
    PAPER,
    WRONG,
    Array,
    figure_of,
    new_axes,
    outline,
    style,
    transparent_heat,
)

# On a fuller colour, dark text on light paper and light text on dark paper would both have less contrast than 4.5.
_DEEPEST = 0.74


def plot_corruption_heatmap(
    accuracies: Mapping[str, Sequence[float]],
    severities: Sequence[int],
    clean: float,
    *,
    extra: Sequence[str] = (),
    ax: Axes | None = None,
) -> Figure:
    """Rows are corruptions, columns severities; a cell's orange is as deep as the share of clean accuracy it has lost.

    Rows are sorted by their mean, what hurts most first; the extra corruptions, which papers leave out of their mean,
    stand below a line.

    Args:
        accuracies: Corruption to its accuracy at each severity, fractions.
        severities: In the order of the columns.
        clean: Accuracy on the unchanged images.
        extra: Names of the extra corruptions.
        ax: Draw here instead of on a new figure.

    Raises:
        ValueError: If there is nothing to draw, or a row has another length than there are severities.
    """
    lengths = {len(row) for row in accuracies.values()}
    if lengths != {len(severities)} or not severities:
        raise ValueError(f"expected one accuracy a severity in each row. Received: {lengths} for {list(severities)}")
    names = sorted(accuracies, key=lambda name: (name in extra, float(np.mean(accuracies[name]))))
    values = np.array([accuracies[name] for name in names])
    with style():
        if ax is None:
            _, (ax,) = new_axes(2.4 + 0.72 * len(severities), 1.0 + 0.27 * len(names))
        lost = np.clip((clean - values) / max(clean, 1e-9), 0, 1)
        ax.imshow(transparent_heat(_DEEPEST * lost, WRONG), interpolation="none", aspect="auto")
        _label(ax, [name.replace("_", " ") for name in names], severities)
        _number(ax, values)
        benchmark = sum(name not in extra for name in names)
        if 0 < benchmark < len(names):
            ax.axhline(benchmark - 0.5, color=MUTED, linewidth=1.2)
        outline(ax)
        return figure_of(ax)


def example() -> Figure:
    """Three made-up rows, one of an extra corruption."""
    rows = {"fog": [0.9, 0.8, 0.5], "snow": [0.7, 0.4, 0.1], "spatter": [0.91, 0.9, 0.8]}
    return plot_corruption_heatmap(rows, (1, 3, 5), 0.92, extra=("spatter",))


def _label(axes: Axes, names: Sequence[str], severities: Sequence[int]) -> None:
    axes.set_xticks(range(len(severities)), [str(severity) for severity in severities])
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(length=0, labelcolor=INK, pad=3)
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    axes.set_xlabel("severity", color=MUTED)
    axes.grid(False)
    axes.spines["bottom"].set_visible(False)


def _number(axes: Axes, values: Array) -> None:
    rows, columns = values.shape
    for edge in range(rows - 1):
        axes.axhline(edge + 0.5, color=PAPER, linewidth=1)
    for edge in range(columns - 1):
        axes.axvline(edge + 0.5, color=PAPER, linewidth=1)
    for row in range(rows):
        for column in range(columns):
            text = f"{100 * values[row, column]:.1f}"
            axes.text(column, row, text, ha="center", va="center", color=INK, fontsize=8.5)
