"""Pictures in rows with a caption under each: classification results, misclassified images, samples."""

import math
from collections.abc import Sequence

from matplotlib.figure import Figure

from cifarlab.plots._axes import show_image
from cifarlab.plots._style import INK, RIGHT, WRONG, Array, new_axes, style


def plot_image_grid(
    images: Array,
    captions: Sequence[str],
    *,
    right: Sequence[bool] | None = None,
    columns: int = 8,
) -> Figure:
    """Every picture enlarged without smoothing, with its caption under it.

    Args:
        images: `(N, H, W, C)` uint8, C is 1 or 3.
        captions: N short texts, each of one or two lines.
        right: N answers: blue captions where True, orange where False; without it they are black.
        columns: Pictures a row.

    Raises:
        ValueError: If there is no picture, or the lengths differ.
    """
    count = len(images)
    if not count or len(captions) != count or (right is not None and len(right) != count):
        raise ValueError(f"expected as many captions as pictures, at least one. Received: {count}, {len(captions)}")
    columns = min(columns, count)
    rows = math.ceil(count / columns)
    lines = max(caption.count("\n") + 1 for caption in captions)
    with style():
        height = rows * (1.02 + 0.16 * lines) + 0.1
        figure, panels = new_axes(max(1.05 * columns, 2.4), height, rows, columns)
        for index, axes in enumerate(panels):
            if index < count:
                colour = INK if right is None else RIGHT if right[index] else WRONG
                show_image(axes, images[index], captions[index], colour=colour, framed=True)
            else:
                show_image(axes, None)
    return figure
