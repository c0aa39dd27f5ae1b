"""Units of the first layer in named rows, each with a number under it."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from cifarlab.plots._style import INK, MUTED, Array, figure_of, style
from cifarlab.plots._tiles import draw_sheet, to_tiles


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
    # In the tiles' own pixels: room for a row's name above it and for each caption below.
    head, foot, gap = round(0.34 * width), round(0.36 * width), max(1, width // 10)
    sheet = np.zeros((len(tiles) * (head + height + foot), columns * (width + gap) - gap, 4), np.uint8)
    with style():
        axes = draw_sheet(sheet)
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
        return figure_of(axes)
