"""The learning curves of a search's trials, the better ones deeper, with the epochs at which they were judged."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from cifarlab.plots._axes import epoch_ticks, legend_handle, percent_ticks
from cifarlab.plots._style import DASHED, MUTED, PAPER, RIGHT, WRONG, new_axes, style
from cifarlab.plots._trials import depths


def plot_trial_curves(curves: Mapping[int, Sequence[float]], rungs: Sequence[int] = ()) -> Figure:
    """A curve a trial; the one that ends best is drawn over the others.

    Args:
        curves: Trial's number to its validation accuracy by epoch, from the first on; empty ones are left out.
        rungs: The epochs at which trials were judged, drawn as vertical lines.

    Raises:
        ValueError: If no trial has an epoch.
    """
    shown = {number: list(curve) for number, curve in curves.items() if curve}
    if not shown:
        raise ValueError("expected at least one trial with an epoch. Received: none")
    with style():
        figure, (axes,) = new_axes(7.6, 3.8)
        # By length first: a trial that was stopped early is no rival of one that was trained to its end.
        order = sorted(shown, key=lambda number: (len(shown[number]), max(shown[number]), -number))
        for depth, number in zip(depths(list(range(len(order)))), order, strict=True):
            curve, is_best = shown[number], number == order[-1]
            (line,) = axes.plot(range(1, len(curve) + 1), curve, color=WRONG if is_best else RIGHT)
            line.set(linewidth=2.2 if is_best else 1.2, alpha=1.0 if is_best else float(depth))
            (end,) = axes.plot([len(curve)], curve[-1:], "s" if is_best else "o", color=line.get_color(), markersize=5)
            end.set(alpha=line.get_alpha(), markeredgecolor=PAPER, markeredgewidth=0.8)
        for rung in rungs:
            axes.axvline(rung, color=MUTED, linewidth=0.9, linestyle=DASHED, zorder=1)
        axes.set_xlabel("epoch")
        axes.set_ylabel("validation accuracy")
        axes.margins(x=0.03)
        epoch_ticks(axes.xaxis)
        percent_ticks(axes.yaxis, 6)
        handles = [legend_handle(f"trial {order[-1]}, the best", WRONG, "s", "-", linewidth=2.2)]
        if len(order) > 1:
            handles.append(legend_handle("other trials, the better the deeper", RIGHT, "o", "-", linewidth=1.2))
        handles += [legend_handle("judged here", MUTED, line=DASHED, linewidth=0.9)] if rungs else []
        figure.legend(handles=handles, loc="outside lower center", ncols=3, handlelength=2.2)
    return figure
