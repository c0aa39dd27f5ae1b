"""The mean image of every class, and how much each of its pixels varies."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from cifarlab.plots._style import Array, new_axes, style

_COLUMNS = 10


def plot_class_means(means: Array, deviations: Array, class_names: Sequence[str]) -> Figure:
    """Means above their standard deviations, class by class.

    Args:
        means: `(K, H, W, C)` float in grey levels; NaN for a class without images, which stays empty.
        deviations: `(K, H, W, C)` float in grey levels, all stretched from the smallest (black) to the largest (white).
        class_names: K names.

    Raises:
        ValueError: If the shapes differ.
    """
    if means.shape != deviations.shape or len(means) != len(class_names):
        raise ValueError(f"expected one mean and deviation a class. Received: {means.shape}, {deviations.shape}")
    mean_pictures, (deviation_pictures, low, high) = to_pictures(means), stretch(deviations)
    count, height, width = means.shape[:3]
    columns = min(_COLUMNS, count)
    step_down, step_across = round(2.6 * height), width + max(1, width // 8)  # room for a name above each class
    # `-(-n // k)` is n / k rounded up. Transparent where there is no picture: the names stand on the ground of
    # whatever page the figure is on.
    mosaic = np.zeros((-(-count // columns) * step_down, columns * step_across, 4), dtype=np.uint8)
    with style():
        figure, (axes,) = new_axes(max(4.0, 0.95 * columns), 0.95 * mosaic.shape[0] / step_across + 0.4)
        for index, name in enumerate(class_names):
            top, left = step_down * (index // columns) + round(0.5 * height), step_across * (index % columns)
            mosaic[top : top + 2 * height, left : left + width, 3] = 255
            mosaic[top : top + height, left : left + width, :3] = mean_pictures[index]
            mosaic[top + height : top + 2 * height, left : left + width, :3] = deviation_pictures[index]
            axes.text(left + width / 2, top - 0.08 * height, name, ha="center", va="bottom", fontsize=8.5)
        axes.imshow(mosaic, interpolation="none")
        axes.set_axis_off()
        title = f"mean image, and below it the standard deviation: black {low:.0f} to white {high:.0f} grey levels"
        figure.suptitle(title, x=0.01, ha="left", fontsize=9)
    return figure


def to_pictures(means: Array) -> Array:
    """Grey levels as uint8 pictures of the same shape; NaN becomes black."""
    result: Array = np.nan_to_num(means).round().clip(0, 255).astype(np.uint8)
    return result


def stretch(deviations: Array) -> tuple[Array, float, float]:
    """Deviations as uint8 pictures from black to white, and the two grey levels that these stand for."""
    known = deviations[np.isfinite(deviations)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    return to_pictures((deviations - low) * 255 / max(high - low, 1e-9)), low, high
