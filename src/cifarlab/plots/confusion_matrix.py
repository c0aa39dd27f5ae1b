"""Confusion matrix: what each class was taken for."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cifarlab.plots._style import (
    INK,
    MUTED,
    PAPER,
    RIGHT,
    WRONG,
    Array,
    figure_of,
    new_axes,
    outline,
    style,
    transparent_heat,
)

_MOST_WITH_NUMBERS = 20
_MOST_WITH_SHARES = 12
# On a fuller colour, dark text on light paper and light text on dark paper would both have less contrast than 4.5.
_DEEPEST = 0.74


def plot_confusion_matrix(
    matrix: Sequence[Sequence[int]] | Array, class_names: Sequence[str], *, ax: Axes | None = None
) -> Figure:
    """Rows are the true classes, columns what the model said; right answers in blue, mistakes in orange.

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
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    with style():
        if ax is None:
            side = float(np.clip(1.6 + 0.52 * size, 3.4, 7.2))
            _, (ax,) = new_axes(side, side * 0.97)
        ax.imshow(_heat(shares), interpolation="none", aspect="equal")
        _label(ax, class_names)
        if size <= _MOST_WITH_NUMBERS:
            _rule_and_number(ax, counts, shares)
        outline(ax)
        return figure_of(ax)


def example() -> Figure:
    """Three made-up classes."""
    return plot_confusion_matrix([[8, 1, 1], [0, 9, 1], [2, 3, 5]], ["cat", "dog", "ship & boat"])


def _heat(shares: Array) -> Array:
    """`(K, K, 4)` RGBA, to lie on paper of any colour."""
    diagonal = np.eye(len(shares), dtype=bool)
    mistakes = np.where(diagonal, 0, shares)
    depth = _DEEPEST * np.where(diagonal, shares, mistakes / max(mistakes.max(initial=0), 1e-9))
    return np.where(diagonal[..., None], transparent_heat(depth, RIGHT), transparent_heat(depth, WRONG))


def _label(axes: Axes, class_names: Sequence[str]) -> None:
    size = len(class_names)
    names = [name if len(name) <= 16 else name[:15] + "…" for name in class_names]
    font = 9 if size <= _MOST_WITH_SHARES else 7 if size <= 40 else 3.8
    axes.set_xticks(range(size), names, rotation=45 if size <= 40 else 90, ha="right" if size <= 40 else "center")
    axes.set_yticks(range(size), names)
    axes.tick_params(length=0, labelsize=font, labelcolor=INK, pad=3)
    for label in axes.get_xticklabels():
        label.set_rotation_mode("anchor" if size <= 40 else "default")
    axes.grid(False)
    axes.spines["bottom"].set_visible(False)
    axes.set_xlabel("the model said", color=MUTED)
    axes.set_ylabel("it really was", color=MUTED)


def _rule_and_number(axes: Axes, counts: Array, shares: Array) -> None:
    size = len(counts)
    for edge in np.arange(0.5, size - 1):
        axes.axhline(edge, color=PAPER, linewidth=1)
        axes.axvline(edge, color=PAPER, linewidth=1)
    with_shares = size <= _MOST_WITH_SHARES
    for row in range(size):
        for column in range(size):
            count, share = counts[row, column], shares[row, column]
            if count == 0:
                continue
            weight = "bold" if row == column else "normal"
            lift = -0.16 if with_shares else 0
            look: dict[str, Any] = {"ha": "center", "va": "center", "color": INK}
            number = f"{count:,}"
            font = (10 if len(number) <= 4 else 8.5) if with_shares else 6.5
            axes.text(column, row + lift, number, fontsize=font, fontweight=weight, **look)
            if with_shares:
                axes.text(column, row + 0.24, _shown(share), fontsize=8, **look)


def _shown(share: float) -> str:
    """Whole percents; what is there is never called 0 %."""
    shown = f"{share:.0%}"
    return "<1%" if shown == "0%" and share > 0 else shown
