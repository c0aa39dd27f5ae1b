"""Accuracy under each corruption at each severity, as a map with the numbers in it."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cifarlab.plots._axes import matrix_cells, rule_cells
from cifarlab.plots._style import DEEPEST, INK, MUTED, WRONG, Array, figure_of, new_axes, style, transparent_heat
from cifarlab.utils.text import in_percent


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
        rows = [name.replace("_", " ") for name in names]
        matrix_cells(ax, transparent_heat(DEEPEST * lost, WRONG), rows, [str(severity) for severity in severities])
        ax.xaxis.tick_top()
        ax.xaxis.set_label_position("top")
        ax.tick_params(length=0)
        ax.set_xlabel("severity")
        rule_cells(ax, *values.shape)
        _write_numbers(ax, values)
        benchmark = sum(name not in extra for name in names)
        if 0 < benchmark < len(names):
            ax.axhline(benchmark - 0.5, color=MUTED, linewidth=1.2)
        return figure_of(ax)


def _write_numbers(ax: Axes, values: Array) -> None:
    """Each `(rows, columns)` accuracy in its cell, in percent."""
    for (row, column), value in np.ndenumerate(values):
        ax.text(column, row, in_percent(value, 1), ha="center", va="center", color=INK, fontsize=8.5)
