"""Accuracy on slices of the images, worst on top."""

from collections.abc import Mapping

from matplotlib.figure import Figure

from cifarlab.plots._axes import class_rows, draw_interval, percent_ticks
from cifarlab.plots._style import DASHED, MUTED, RIGHT, WRONG, new_axes, style
from cifarlab.utils.results import Interval


def plot_slice_accuracy(slices: Mapping[str, tuple[Interval, float]], accuracy: float) -> Figure:
    """One row a slice: a dot at its accuracy, a whisker over its 95 % interval; the line is the accuracy of all.

    Args:
        slices: Name to accuracy and adjusted p value, first on top. A p value under 0.05 gives the dot a colour: orange
            where worse, blue where better.
        accuracy: Of all images, a fraction.

    Raises:
        ValueError: If there is no slice.
    """
    if not slices:
        raise ValueError("expected at least one slice. Received: none")
    with style():
        figure, (axes,) = new_axes(6.4, 1.0 + 0.24 * len(slices))
        axes.axvline(accuracy, color=MUTED, linewidth=1, linestyle=DASHED)
        for place, (score, p_value) in enumerate(slices.values()):
            told = p_value < 0.05  # adjusted for the number of slices: else one in twenty would be told
            colour = MUTED if not told else WRONG if (score.value or 0.0) < accuracy else RIGHT
            draw_interval(axes, (score.value, score.low, score.high), place, colour)
        class_rows(axes, list(slices))
        axes.set_xlabel("accuracy")
        percent_ticks(axes.xaxis, 5)
    return figure
