"""Weights as small pictures, each scaled on its own."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cifarlab.plots._axes import to_rgb
from cifarlab.plots._style import Array

_WIDTH_INCHES = 6.4


def to_tiles(weights: Array) -> Array:
    """Every unit on its own symmetric range: grey is a weight of zero, bright counts for, dark against.

    Args:
        weights: `(units, H, W, C)` float, C is 1 or 3.

    Returns:
        `(units, H, W, 3)` uint8.

    Raises:
        ValueError: If the weights have another shape.
    """
    weights = check_weights(weights)
    # Each unit by its own largest weight, (units, 1, 1, 1); a unit of zeros stays grey.
    largest = np.abs(weights).max(axis=(1, 2, 3), keepdims=True)
    return to_rgb(np.round((0.5 + 0.5 * weights / np.maximum(largest, 1e-12)) * 255).astype(np.uint8))


def check_weights(weights: Array) -> Array:
    """The weights as float64; ValueError where they are not `(units, H, W, 1 or 3)`, with a unit at least."""
    weights = np.asarray(weights, dtype=np.float64)
    if weights.ndim != 4 or weights.shape[-1] not in (1, 3) or not len(weights):
        raise ValueError(f"expected weights (units, H, W, 1 or 3). Received: shape {weights.shape}")
    return weights


def draw_sheet(sheet: Array) -> Axes:
    """A picture that fills a whole figure; `(H, W, 4)` uint8 RGBA. Call it inside `style()`."""
    axes = Figure(figsize=(_WIDTH_INCHES, _WIDTH_INCHES * sheet.shape[0] / sheet.shape[1])).add_axes((0, 0, 1, 1))
    axes.imshow(sheet, interpolation="none")
    axes.set_axis_off()
    return axes
