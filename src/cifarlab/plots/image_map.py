"""A map whose points are the pictures themselves."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from PIL import Image
from scipy.optimize import linear_sum_assignment

from cifarlab.plots._style import Array, new_axes, style

# The twelve "safe" colours of CARTO, after Paul Tol's schemes: the most that readers with any colour vision tell apart.
FRAME_COLOURS = (
    "#88ccee", "#cc6677", "#ddcc77", "#117733", "#332288", "#aa4499",
    "#44aa99", "#999933", "#882255", "#661100", "#6699cc", "#888888",
)  # fmt: skip
_FRAME_PIXELS = 2
_MAP_PIXELS = (1800, 2400)  # height and width
_COVERED = 0.55


def plot_image_map(points: Array, images: Array, labels: Array, class_names: Sequence[str], title: str = "") -> Figure:
    """Every picture at its point or near it, framed in its class's colour where there are at most twelve classes.

    Args:
        points: `(N, 2)` float, N at least 1.
        images: `(N, H, W, C)` uint8.
        labels: `(N,)` int.
        class_names: K names.
        title: Above the map.

    Raises:
        ValueError: If the lengths differ or there is no point.
    """
    picture = draw_image_map(points, images, labels, frames=len(class_names) <= len(FRAME_COLOURS))
    with style():
        figure, (axes,) = new_axes(12, 9.6)
        axes.imshow(picture, interpolation="none")
        axes.set_axis_off()
        axes.set_title(title, fontsize=14)
        if len(class_names) <= len(FRAME_COLOURS):
            handles = [
                Patch(color=colour, label=name) for colour, name in zip(FRAME_COLOURS, class_names, strict=False)
            ]
            figure.legend(handles=handles, loc="outside lower left", ncols=6, fontsize=12, handlelength=1)
    return figure


def draw_image_map(points: Array, images: Array, labels: Array, frames: bool = True) -> Array:
    """The map as pixels, transparent between the pictures; each is moved to a near free place, so that none is hidden.

    Args:
        points: `(N, 2)` float, N at least 1; stretched to fill the map both ways.
        images: `(N, H, W, C)` uint8.
        labels: `(N,)` int, which choose the frames' colours.
        frames: Whether to frame the pictures.

    Returns:
        `(1800, 2400, 4)` uint8 RGBA.

    Raises:
        ValueError: If the lengths differ or there is no point.
    """
    if not len(points) or not len(points) == len(images) == len(labels):
        raise ValueError(f"expected a point for every image. Received: {points.shape}, {images.shape}, {labels.shape}")
    height, width = _MAP_PIXELS
    # So large that the pictures cover about half of the map: with less room they would be moved far.
    cell = int(np.clip(np.sqrt(_COVERED * height * width / len(points)), 8, 96))
    cells = _free_cells(points, height // cell, width // cell)
    canvas = Image.new("RGBA", (width, height), (0, 0, 0, 0))
    border = _FRAME_PIXELS if frames else 0
    size = cell - 1 - 2 * border
    for (row, column), image, label in zip(cells.tolist(), images, labels.tolist(), strict=True):
        picture = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).convert("RGBA")
        picture = picture.resize((size, size), Image.Resampling.BICUBIC)
        frame = Image.new("RGBA", (cell - 1, cell - 1), FRAME_COLOURS[label % len(FRAME_COLOURS)])
        frame.paste(picture, (border, border))
        canvas.paste(frame, (column * cell, row * cell))
    return np.asarray(canvas)


def _free_cells(points: Array, rows: int, columns: int) -> Array:
    """`(N, 2)` int row and column of each point: all different, moved as little as possible in all."""
    low, extent = points.min(axis=0), np.maximum(np.ptp(points, axis=0), 1e-9)
    across, up = ((points - low) / extent * (columns - 1, rows - 1)).T
    places = np.stack([rows - 1 - up, across], axis=1)  # (N, 2)
    free = np.indices((rows, columns)).reshape(2, -1).T  # (rows * columns, 2)
    # (N, rows * columns) float32, from twice as much: for 2,000 pictures 30 MB, and it grows as N squared.
    costs = ((places[:, None].astype(np.float32) - free.astype(np.float32)) ** 2).sum(axis=2)
    result: Array = free[linear_sum_assignment(costs)[1]]
    return result
