"""Where a network looked: the picture in grey, with orange where it speaks for a class."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from cifarlab.plots._axes import show_image, to_rgb
from cifarlab.plots._style import SERIES, Array, new_axes, style, transparent_heat

_OPAQUE = 0.85
_LUMINANCE = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601


def plot_saliency_overlay(image: Array, heats: Array, captions: Sequence[str]) -> Figure:
    """The picture as it is, and beside it one panel a heat map.

    Grey and one hue, so that readers with any colour vision see the same.

    Args:
        image: `(H, W, C)` uint8, C is 1 or 3.
        heats: `(M, H, W)` float, 0 to 1, M at least 1.
        captions: M short texts.

    Raises:
        ValueError: If there is no map, or the shapes do not fit.
    """
    if not len(heats) or len(captions) != len(heats) or heats.shape[1:] != image.shape[:2]:
        raise ValueError(
            f"expected maps of the picture's size with a caption each. Received: {image.shape}, {heats.shape}, "
            f"{len(captions)} captions"
        )
    shown = to_rgb(image)
    with style():
        figure, panels = new_axes(1.9 * (1 + len(heats)), 2.2, 1, 1 + len(heats))
        pictures = [shown, *(overlay(shown, heat) for heat in heats)]
        for axes, picture, caption in zip(panels, pictures, ["input image", *captions], strict=True):
            show_image(axes, picture, caption, framed=True)
    return figure


def overlay(image: Array, heat: Array) -> Array:
    """The picture in grey under the map.

    Args:
        image: `(H, W, 3)` uint8.
        heat: `(H, W)` float, 0 to 1.

    Returns:
        `(H, W, 3)` uint8.
    """
    # Weighted as the eye does, so that colours of one brightness leave no edge. Then `over`: paper * (1 - a) + ink * a.
    grey = (image @ _LUMINANCE)[..., None]  # (H, W, 1)
    heated = transparent_heat(_OPAQUE * heat, SERIES[1])
    mixed: Array = np.rint(grey * (1 - heated[..., 3:]) + 255 * heated[..., :3] * heated[..., 3:]).astype(np.uint8)
    return mixed
