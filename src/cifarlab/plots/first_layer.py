"""First-layer weights of a dense network as pictures: what each unit looks for."""

import math

import numpy as np
from matplotlib.figure import Figure

from cifarlab.plots._style import Array, figure_of, style
from cifarlab.plots._tiles import check_weights, draw_sheet, to_tiles

_GAP_PIXELS = 2


def plot_first_layer(weights: Array, *, columns: int = 0, most: int = 64) -> Figure:
    """The units with the largest weights, one picture each, in falling order of their norm.

    Every unit is scaled on its own symmetric range, so that grey is a weight of zero, bright pushes the unit up and
    dark pushes it down; colours say the same for each colour channel.

    Args:
        weights: `(units, H, W, C)` float, C is 1 or 3.
        columns: Pictures a row; 0 chooses.
        most: Show at most this many units.

    Raises:
        ValueError: If the weights have another shape.
    """
    weights = check_weights(weights)
    norms = np.sqrt((weights**2).sum(axis=(1, 2, 3)))
    chosen = weights[np.argsort(-norms, kind="stable")[:most]]
    # About twice as many columns as rows; the sort is stable, so that units of one norm keep their order.
    columns = columns or min(16, math.ceil(math.sqrt(2 * len(chosen))))
    sheet = _sheet(chosen, columns)
    with style():
        return figure_of(draw_sheet(sheet))


def _sheet(weights: Array, columns: int) -> Array:
    """All units side by side as one RGBA picture whose gaps are transparent."""
    units, height, width, _ = weights.shape
    rows = math.ceil(units / columns)
    sheet = np.zeros((rows * (height + _GAP_PIXELS), columns * (width + _GAP_PIXELS), 4), np.uint8)
    for index, unit in enumerate(to_tiles(weights)):
        top = index // columns * (height + _GAP_PIXELS)
        left = index % columns * (width + _GAP_PIXELS)
        sheet[top : top + height, left : left + width, :3] = unit
        sheet[top : top + height, left : left + width, 3] = 255
    return sheet[:-_GAP_PIXELS, :-_GAP_PIXELS]
