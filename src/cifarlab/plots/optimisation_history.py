"""The score of each trial of a search in the order of their numbers, and the best so far."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from cifarlab.plots._axes import legend_handle, percent_ticks
from cifarlab.plots._style import DASHED, MUTED, PAPER, SERIES, WRONG, new_axes, style

# State: colour, marker, filled, what the legend calls it.
_STATES = {
    "complete": (SERIES[0], "o", True, "trained to the end"),
    "pruned": (MUTED, "o", False, "stopped early"),
    "running": (SERIES[2], "D", False, "under way"),
    "failed": (WRONG, "X", True, "failed"),
}


def plot_optimisation_history(
    numbers: Sequence[int], scores: Sequence[float | None], states: Sequence[str], shipped: float | None = None
) -> Figure:
    """A dot a trial, and a staircase through the best of those that were trained to the end.

    Args:
        numbers: Of the trials.
        scores: Validation accuracy at the last epoch that each was judged at; None where there is none: a failed trial
            is then marked at the foot of the figure, any other is left out.
        states: `"complete"`, `"pruned"`, `"failed"` or `"running"`.
        shipped: The score of the recipe as shipped, drawn as a line.

    Raises:
        ValueError: If the three are not equally long and not empty.
    """
    if not numbers or not len(numbers) == len(scores) == len(states):
        raise ValueError(f"expected a score and a state for every trial. Received: {len(numbers)}, {len(scores)}")
    with style():
        figure, (axes,) = new_axes(7.6, 3.6)
        rows = list(zip(numbers, scores, states, strict=True))
        for state, (colour, marker, filled, _) in _STATES.items():
            shown = [(number, score) for number, score, each in rows if each == state and score is not None]
            (dots,) = axes.plot(*(zip(*shown, strict=True) if shown else ([], [])), marker, color=colour, markersize=6)
            edge = PAPER if filled else colour
            dots.set(markerfacecolor=colour if filled else "none", markeredgecolor=edge, zorder=4)
        staircase = _best_so_far(rows)
        axes.step([number for number, _ in staircase], [score for _, score in staircase], where="post", color=SERIES[0])
        if shipped is not None:
            axes.axhline(shipped, color=MUTED, linewidth=1, linestyle=DASHED, zorder=1)
        lost = [number for number, score, state in rows if state == "failed" and score is None]
        if lost:
            foot = axes.get_xaxis_transform()
            axes.plot(lost, [0.03] * len(lost), "X", color=WRONG, markersize=7, transform=foot, zorder=5)
        axes.set_xlabel("trial")
        axes.set_ylabel("validation accuracy")
        axes.set_xlim(min(numbers) - 0.6, max(numbers) + 0.6)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=9, integer=True, min_n_ticks=1))
        percent_ticks(axes.yaxis, 6)
        _add_legend(figure, states, bool(staircase), shipped is not None)
    return figure


def _best_so_far(rows: Sequence[tuple[int, float | None, str]]) -> list[tuple[int, float]]:
    """After each trial the best score of those that were trained to the end; from the first of them on."""
    best, found = None, []
    for number, score, state in rows:
        if state == "complete" and score is not None:
            best = score if best is None else max(best, score)
        if best is not None:
            found.append((number, best))
    return found


def _add_legend(figure: Figure, states: Sequence[str], has_best: bool, has_shipped: bool) -> None:
    handles = [
        legend_handle(said, colour, marker, markerfacecolor=colour if filled else "none", markersize=6)
        for state, (colour, marker, filled, said) in _STATES.items()
        if state in states
    ]
    handles += [legend_handle("best so far", SERIES[0], line="-")] if has_best else []
    handles += [legend_handle("recipe as shipped", MUTED, line=DASHED, linewidth=1)] if has_shipped else []
    figure.legend(handles=handles, loc="outside lower center", ncols=min(4, len(handles)), handlelength=2)
