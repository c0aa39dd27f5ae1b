"""How local the units of the first layer are: the windows that hold half of each, beside those of random weights."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cifarlab.plots._style import DASHED, INK, MUTED, SERIES, Array, figure_of, new_axes, style


def plot_locality_histogram(
    sides: Array,
    random: float,
    image_pixels: int,
    *,
    begun: float | None = None,
    colour: str = SERIES[0],
    ax: Axes | None = None,
) -> Figure:
    """How many units need which window, a bar for each pixel; dashed where random weights are.

    Args:
        sides: `(units,)` float, in pixels, as `locality.half_energy_sides` has them.
        random: The same for weights drawn at random.
        image_pixels: Side of the picture, where the scale ends at the latest.
        begun: The same for a middling unit before the training, where the network began near; dotted.
        colour: Of the bars.
        ax: Draw here instead of on a new figure.

    Raises:
        ValueError: If there is no unit.
    """
    if not len(sides):
        raise ValueError(f"expected at least one unit. Received: shape {np.shape(sides)}")
    # One bar beyond the largest, so that the line of random weights never lies on the frame.
    end = int(min(image_pixels, np.ceil(max(sides.max(), random) + 1)))
    with style():
        if ax is None:
            _, (ax,) = new_axes(6.4, 2.3)
        ax.hist(sides, bins=list(range(end + 1)), color=colour, rwidth=0.9)
        _mark(ax, random, f"random weights: {random:.1f}", DASHED, "right")
        if begun is not None:
            _mark(ax, begun, f"at initialisation: {begun:.1f}", (0, (1, 1.5)), "left")
        ax.set_ylim(0, 1.22 * ax.get_ylim()[1])
        ax.set_xlim(0, end)
        ax.set_xlabel("half-energy window (side in pixels)")
        ax.set_ylabel("units")
        return figure_of(ax)


def _mark(ax: Axes, place: float, text: str, dashes: tuple[float, tuple[float, ...]], aligned: str) -> None:
    """A line over the whole height with its name beside it, at the top."""
    ax.axvline(place, color=INK, linewidth=1.2, linestyle=dashes)
    offset = (-5, -2) if aligned == "right" else (5, -2)
    ax.annotate(
        text, (place, 1), offset, xycoords=("data", "axes fraction"), textcoords="offset points", ha=aligned, va="top",
        color=MUTED,
    )  # fmt: skip
