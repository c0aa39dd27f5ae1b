"""Confusion matrix: true classes in rows, predicted classes in columns."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cifarlab.plots._axes import matrix_cells, rule_cells
from cifarlab.plots._style import DEEPEST, INK, RIGHT, WRONG, Array, figure_of, new_axes, style, transparent_heat
from cifarlab.utils.text import share

_MOST_WITH_NUMBERS = 20
_MOST_WITH_SHARES = 12


def plot_confusion_matrix(
    matrix: Sequence[Sequence[int]] | Array, class_names: Sequence[str], *, ax: Axes | None = None
) -> Figure:
    """Rows are the true classes, columns the predicted ones; correct predictions in blue, mistakes in orange.

    Blue is as deep as the share of its row; orange is scaled to the largest share among the mistakes, so that mistakes
    show even where they are few. Neither is ever so deep that the text on it is hard to read. Up to 12 classes a cell
    shows its count and its share of the row, up to 20 its count; above, colour alone speaks.

    Args:
        matrix: `(K, K)` counts.
        class_names: K names, in the order of the rows.
        ax: Draw here instead of on a new figure.

    Raises:
        ValueError: If the matrix is not square or has another size than there are names.
    """
    counts = np.asarray(matrix)
    size = len(class_names)
    if counts.shape != (size, size):
        raise ValueError(f"expected a ({size}, {size}) matrix for {size} classes. Received: shape {counts.shape}")
    # Of each row, (K, K): of the images that truly are of that class. A class without images is a row of zeros.
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    with style():
        if ax is None:
            side = float(np.clip(1.6 + 0.52 * size, 3.4, 7.2))
            _, (ax,) = new_axes(side, side * 0.97)
        names = [name if len(name) <= 16 else name[:15] + "…" for name in class_names]
        matrix_cells(ax, _heat(shares), names, names, aspect="equal")
        _label(ax, size)
        if size <= _MOST_WITH_NUMBERS:
            rule_cells(ax, size, size)
            _number(ax, counts, shares)
        return figure_of(ax)


def _heat(shares: Array) -> Array:
    """`(K, K, 4)` RGBA, to lie on paper of any colour."""
    diagonal = np.eye(len(shares), dtype=bool)
    mistakes = np.where(diagonal, 0, shares)
    depth = DEEPEST * np.where(diagonal, shares, mistakes / max(mistakes.max(initial=0), 1e-9))
    return np.where(diagonal[..., None], transparent_heat(depth, RIGHT), transparent_heat(depth, WRONG))


def _label(axes: Axes, size: int) -> None:
    """Names small and steep enough to stand beside one another, and which axis is which."""
    font = 9 if size <= _MOST_WITH_SHARES else 7 if size <= 40 else 3.8
    axes.tick_params(labelsize=font)
    for name in axes.get_xticklabels():
        name.set(rotation=45 if size <= 40 else 90, ha="right" if size <= 40 else "center")
        name.set_rotation_mode("anchor" if size <= 40 else "default")
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")


def _number(axes: Axes, counts: Array, shares: Array) -> None:
    """Each count that is not 0, and under it its share of the row where there is room."""
    with_shares = len(counts) <= _MOST_WITH_SHARES
    look: dict[str, Any] = {"ha": "center", "va": "center", "color": INK}
    for row, column in np.argwhere(counts):
        number = f"{counts[row, column]:,}"
        font = (10 if len(number) <= 4 else 8.5) if with_shares else 6.5
        weight = "bold" if row == column else "normal"
        axes.text(column, row - 0.16 * with_shares, number, fontsize=font, fontweight=weight, **look)
        if with_shares:
            axes.text(column, row + 0.24, share(shares[row, column]).replace(" ", ""), fontsize=8, **look)
