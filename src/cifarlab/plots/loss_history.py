"""One image's loss over the epochs, and in which of them it was classified right."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from cifarlab.plots._axes import epoch_ticks, legend_handle
from cifarlab.plots._style import MUTED, PAPER, new_axes, series_colour, style

_DOTS = 40  # epochs; beyond it dots of the usual size would run together


def plot_loss_history(histories: Mapping[str, tuple[Sequence[float], Sequence[bool]]], chance: float = 0.0) -> Figure:
    """One line a run; a filled dot where the answer was right, a hollow one where it was wrong.

    Args:
        histories: Run name to the image's loss in each epoch, in nats, NaN where it was not met, and whether it was
            classified right.
        chance: Loss of one who finds all classes equally probable, drawn as a line; 0 for none.

    Raises:
        ValueError: If there is no run, or a run's lengths differ.
    """
    if not histories or any(len(losses) != len(right) for losses, right in histories.values()):
        sizes = {name: (len(losses), len(right)) for name, (losses, right) in histories.items()}
        raise ValueError(f"expected at least one run, with an answer for every loss. Received: {sizes}")
    with style():
        figure, (axes,) = new_axes(6.4, 3.2)
        if chance:
            axes.axhline(chance, color=MUTED, linewidth=0.8, linestyle=":")
        for index, (losses, right) in enumerate(histories.values()):
            colour, values = series_colour(index), np.asarray(losses, float)
            epochs, met = np.arange(1, len(values) + 1), np.isfinite(values)
            axes.plot(epochs[met], values[met], color=colour, linewidth=1.2, alpha=0.8)
            size = 4.5 if len(values) <= _DOTS else 2.6
            for answer, face in ((True, colour), (False, PAPER)):
                chosen = met & (np.asarray(right, bool) == answer)
                (dots,) = axes.plot(epochs[chosen], values[chosen], "o", color=colour, linestyle="")
                dots.set(markersize=size, markerfacecolor=face, markeredgewidth=1.0)
        axes.set_xlabel("epoch")
        axes.set_ylabel("loss (nats)")
        axes.set_ylim(bottom=0)
        epoch_ticks(axes.xaxis)
        axes.margins(x=0.02)
        figure.legend(handles=_legend(list(histories), chance), loc="outside lower center", ncols=3)
    return figure


def _legend(names: Sequence[str], chance: float) -> list[Line2D]:
    colour = series_colour(0) if len(names) == 1 else MUTED
    handles = [legend_handle(name, series_colour(i), line="-") for i, name in enumerate(names) if len(names) > 1]
    for face, label in ((colour, "correct"), (PAPER, "incorrect")):
        handles.append(legend_handle(label, colour, "o", markerfacecolor=face, markersize=6))
    if chance:
        handles.append(legend_handle("chance", MUTED, line=":", linewidth=0.8))
    return handles
