"""Brightness and contrast, class by class: the shape of each distribution with its median and middle half."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cifarlab.plots._axes import class_rows
from cifarlab.plots._style import PAPER, SERIES, Array, new_axes, style


def plot_brightness(
    panels: Sequence[tuple[str, float, Array, Array]], class_names: Sequence[str], order: Sequence[int] | None = None
) -> Figure:
    """One panel a quantity, one row a class.

    Args:
        panels: For each quantity its title, the right end of its scale, `(K, B)` histograms over equal bins from 0 to
            there, and `(K, 5)` quantiles (5, 25, 50, 75, 95 %), NaN for a class without images.
        class_names: K names.
        order: Class indices from top to bottom; by default as they come.

    Raises:
        ValueError: If a panel has not one row for every class.
    """
    if any(len(histograms) != len(class_names) for _, _, histograms, _ in panels):
        raise ValueError(f"expected {len(class_names)} rows in every panel. Received: {[len(p[2]) for p in panels]}")
    places = list(range(len(class_names)) if order is None else order)
    with style():
        row = 0.36 if len(places) <= 20 else 0.18
        figure, drawn = new_axes(3.6 * len(panels) + 0.8, 0.8 + row * len(places), 1, len(panels), sharey=True)
        engine = figure.get_layout_engine()
        if engine is not None:
            engine.set(wspace=0.08)  # type: ignore[call-arg]
        for number, (axes, (title, upper, histograms, quantiles)) in enumerate(zip(drawn, panels, strict=True)):
            colour = SERIES[(0, 2)[number % 2]]
            peak = max(float(histograms.max()), 1e-9)  # of all classes, so that heights can be compared
            for place, label in enumerate(places):
                _draw_row(axes, place, upper, histograms[label] / peak, quantiles[label], colour)
            axes.set_title(title)
            axes.set_xlim(0, upper)
            class_rows(axes, [class_names[label] for label in places])
    return figure


def _draw_row(axes: Axes, place: int, upper: float, heights: Array, quantiles: Array, colour: str) -> None:
    if not np.isfinite(quantiles).all():
        return
    centres = (np.arange(len(heights)) + 0.5) * upper / len(heights)
    axes.fill_between(centres, place - 0.42 * heights, place + 0.42 * heights, color=colour, alpha=0.35, linewidth=0)
    low, high = quantiles[1], quantiles[3]
    axes.plot([low, high], [place, place], color=colour, linewidth=2.2, solid_capstyle="round")
    axes.plot(quantiles[2], place, "o", color=colour, markersize=5.5, markeredgecolor=PAPER, markeredgewidth=0.8)
