"""Some pictures of every class, one row a class."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from cifarlab.plots._axes import show_image
from cifarlab.plots._style import INK, Array, new_axes, style

_GAP = 2


def plot_class_samples(samples: Sequence[Array], class_names: Sequence[str]) -> Figure:
    """A strip of pictures for every class, enlarged without smoothing.

    Args:
        samples: K arrays `(M, H, W, C)` uint8; M may differ, and be 0.
        class_names: K names.

    Raises:
        ValueError: If there is no class, or not one array for every class.
    """
    if not samples or len(samples) != len(class_names):
        raise ValueError(f"expected {len(class_names)} arrays of pictures, at least one. Received: {len(samples)}")
    strips = [to_strip(pictures) if len(pictures) else None for pictures in samples]
    height, width = samples[0].shape[1:3]
    mosaic = np.full(
        (len(samples) * (height + _GAP), max([width, *(s.shape[1] for s in strips if s is not None)]), 3), 255
    )
    for row, strip in enumerate(strips):
        if strip is not None:
            top = row * (height + _GAP)
            mosaic[top : top + height, : strip.shape[1]] = strip  # grey pictures fill all three channels
    with style():
        inches = 0.66 * (width + _GAP) / width
        figure, (axes,) = new_axes(inches * mosaic.shape[1] / (width + _GAP) + 1.2, 0.66 * len(samples) + 0.2)
        show_image(axes, mosaic.astype(np.uint8))
        axes.set_yticks((height - 1) / 2 + np.arange(len(samples)) * (height + _GAP), class_names, color=INK)
    return figure


def to_strip(pictures: Array, gap: int = _GAP) -> Array:
    """Pictures side by side: `(M, H, W, C)` uint8 -> `(H, M * W + (M - 1) * gap, C)` uint8, M at least 1."""
    padded = np.pad(pictures, ((0, 0), (0, 0), (0, gap), (0, 0)), constant_values=255)  # (M, H, W + gap, C)
    joined: Array = np.concatenate(list(padded), axis=1)
    return joined[:, : joined.shape[1] - gap] if gap else joined
