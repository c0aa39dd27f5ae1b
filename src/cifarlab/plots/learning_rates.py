"""The loss while the learning rate rises: where it falls, and where it explodes."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from cifarlab.plots._style import INK, MUTED, new_axes, series_colour, series_marker, style

_ROOM = 0.1  # above and below, as a share of the range


def plot_learning_rates(
    rates: Sequence[float], losses: Sequence[float], smoothed: Sequence[float], suggestions: Mapping[str, float]
) -> Figure:
    """A dot a step, a line through their moving average, and a mark at each suggested rate.

    Args:
        rates: Learning rate of each step, above 0.
        losses: Loss of each step, in nats.
        smoothed: Its moving average.
        suggestions: Rates by the name of the rule.

    Raises:
        ValueError: If there is no step, or lengths differ.
    """
    if not len(rates) == len(losses) == len(smoothed) or not len(rates):
        sizes = len(rates), len(losses), len(smoothed)
        raise ValueError(f"expected a loss and a smoothed loss for each of at least one rate. Received: {sizes}")
    with style():
        figure, (axes,) = new_axes(6.4, 3.4)
        axes.plot(rates, losses, ".", color=MUTED, markersize=3, label="each step")
        axes.plot(rates, smoothed, color=INK, linewidth=1.6, label="moving average")
        for index, (name, rate) in enumerate(suggestions.items()):
            height = float(np.interp(np.log(rate), np.log(rates), smoothed))
            label = f"{name}: {rate:.2g}"
            axes.plot([rate], [height], series_marker(index), color=series_colour(index), markersize=8, label=label)
        axes.set_xscale("log")
        axes.set_xlabel("learning rate")
        axes.set_ylabel("loss (nats)")
        decades = np.arange(math.ceil(math.log10(rates[0]) - 1e-9), math.floor(math.log10(rates[-1]) + 1e-9) + 1)
        axes.set_xticks(10.0**decades, [f"{10.0**each:g}" for each in decades])
        axes.minorticks_off()
        # By what was seen before the end: what explodes there is cut off.
        bottom, top = min(*losses, *smoothed), max(smoothed[: max(1, len(smoothed) - 5)])
        room = _ROOM * (top - bottom) + 1e-3
        axes.set_ylim(bottom - room, top + room)
        figure.legend(loc="outside lower center", ncols=3)
    return figure
