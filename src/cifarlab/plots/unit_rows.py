"""Units of the first layer in named rows, each with a number under it."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from cifarlab.plots._style import INK, MUTED, Array, style
from cifarlab.plots._tiles import to_tiles


def plot_unit_rows(rows: Mapping[str, tuple[Array, Sequence[str]]]) -> Figure:
    """One row of small pictures under each name, every unit scaled on its own as in `plot_first_layer`.

    Args:
        rows: Name to weights `(units, H, W, C)`, C is 1 or 3, all of one size, and as many captions.

    Raises:
        ValueError: If there is no row, a shape is wrong, or captions are missing.
    """
    if not rows or any(len(weights) != len(captions) for weights, captions in rows.values()):
        raise ValueError(f"expected rows with a caption for every unit. Received: {list(rows)}")
    tiles = [to_tiles(weights) for weights, _ in rows.values()]
    height, width = tiles[0].shape[1:3]
    columns = max(map(len, tiles))
    head, foot, gap = round(0.34 * width), round(0.36 * width), max(1, width // 10)
    sheet = np.zeros((len(tiles) * (head + height + foot), columns * (width + gap) - gap, 4), np.uint8)
    with style():
        inches = 6.4
        figure = Figure(figsize=(inches, inches * sheet.shape[0] / sheet.shape[1]))
        axes = figure.add_axes((0, 0, 1, 1))
        for row, (name, (_, captions)) in enumerate(rows.items()):
            top = row * (head + height + foot) + head
            axes.text(-0.5, top - 0.1 * head, name, ha="left", va="bottom", fontsize=9, color=INK, fontweight="bold")
            for index, (tile, caption) in enumerate(zip(tiles[row], captions, strict=True)):
                left = index * (width + gap)
                sheet[top : top + height, left : left + width, :3] = tile
                sheet[top : top + height, left : left + width, 3] = 255
                middle = left + width / 2 - 0.5
                axes.text(middle, top + height, caption, ha="center", va="top", fontsize=8, color=MUTED)
        axes.imshow(sheet, interpolation="none")
        axes.set_axis_off()
    return figure


def example() -> Figure:
    """Two rows of made-up units."""
    drawn = np.random.default_rng(0).normal(size=(5, 8, 8, 3))
    return plot_unit_rows({"the first": (drawn[:3], ["1 px", "2 px", "3 px"]), "others": (drawn[3:], ["4 px", "5 px"])})
