"""Accuracy on slices of the images, worst on top."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from cifarlab.plots._axes import class_rows, draw_interval, percent_ticks
from cifarlab.plots._style import DASHED, MUTED, RIGHT, WRONG, new_axes, style


def plot_slice_accuracy(slices: Sequence[Mapping[str, Any]], accuracy: float) -> Figure:
    """One row a slice: a dot at its accuracy, a whisker over its 95 % interval; the line is the accuracy of all.

    Args:
        slices: In their order, first on top: `by`, `name`, `accuracy` with `value`, `low` and `high`, and
            `adjusted_p_value`, which under 0.05 gives the dot a colour: orange where worse, blue where better.
        accuracy: Of all images, a fraction.

    Raises:
        ValueError: If there is no slice.
    """
    if not slices:
        raise ValueError("expected at least one slice. Received: none")
    with style():
        figure, (axes,) = new_axes(6.4, 1.0 + 0.24 * len(slices))
        axes.axvline(accuracy, color=MUTED, linewidth=1, linestyle=DASHED)
        for place, row in enumerate(slices):
            score = row["accuracy"]
            told = row["adjusted_p_value"] < 0.05  # adjusted for the number of slices: else one in twenty would be told
            colour = MUTED if not told else WRONG if score["value"] < accuracy else RIGHT
            draw_interval(axes, (score["value"], score["low"], score["high"]), place, colour)
        class_rows(axes, [f"{row['by']}: {row['name']}" for row in slices])
        axes.set_xlabel("accuracy")
        percent_ticks(axes.xaxis, 5)
    return figure
