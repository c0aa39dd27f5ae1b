"""Pairs of pictures that are the same, or nearly."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from cifarlab.plots._axes import show_image
from cifarlab.plots._style import INK, WRONG, Array, new_axes, style


def plot_duplicate_pairs(
    first: Array, second: Array, captions: Sequence[str], conflicting: Sequence[bool], title: str = ""
) -> Figure:
    """Each pair side by side with its caption; pairs whose labels differ are orange.

    Args:
        first: `(M, H, W, C)` uint8, M at least 1.
        second: `(M, H, W, C)` uint8.
        captions: M short texts.
        conflicting: M answers: whether the two labels differ.
        title: Above them all.

    Raises:
        ValueError: If there is no pair, or the lengths differ.
    """
    count = len(first)
    if not count or {len(second), len(captions), len(conflicting)} != {count}:
        raise ValueError(f"expected as many captions as pairs, at least one. Received: {count}, {len(captions)}")
    gap = np.full((count, first.shape[1], 1, first.shape[3]), 255, dtype=np.uint8)
    pairs = np.concatenate([first, gap, second], axis=2)  # (M, H, 2 * W + 1, C)
    columns = min(6, count)
    with style():
        rows = -(-count // columns)
        figure, panels = new_axes(max(2.4, 1.75 * columns), 1.32 * rows + (0.4 if title else 0.1), rows, columns)
        for index, axes in enumerate(panels):
            if index < count:
                show_image(axes, pairs[index], captions[index], colour=WRONG if conflicting[index] else INK)
            else:
                show_image(axes, None)
        if title:
            figure.suptitle(title, x=0.01, ha="left", fontsize=10, fontweight="bold")
    return figure
