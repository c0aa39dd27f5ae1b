"""Training curves: how loss and accuracy went, epoch by epoch, on training and on validation images."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from cifarlab.plots._axes import epoch_ticks, legend_handle, percent_ticks
from cifarlab.plots._style import INK, MUTED, PAPER, new_axes, series_colour, series_marker, style
from cifarlab.utils.best_epoch import best_epoch

History = Sequence[Mapping[str, float]]
QUANTITIES = ("accuracy", "loss")
_DASHED: Any = (0, (3, 2))


def plot_training_curves(
    histories: Mapping[str, History], *, quantities: Sequence[str] = QUANTITIES, width_inches: float = 0.0
) -> Figure:
    """Train (thin, dashed) against validation (thick) for every run; a marker shows the best validation epoch.

    Args:
        histories: Run name to its epochs: `epoch`, `train_<quantity>` and, where images were held out,
            `validation_<quantity>`. A run without epochs keeps its colour and is not drawn.
        quantities: One panel each, from `QUANTITIES`.
        width_inches: Width of the figure; 0 chooses by the number of panels.

    Raises:
        ValueError: If a quantity is unknown.
    """
    unknown = set(quantities) - set(QUANTITIES)
    if unknown or not quantities:
        raise ValueError(f"quantities must be some of {QUANTITIES}. Received: {tuple(quantities)}")
    with style():
        width = width_inches or 5.2 * len(quantities)
        figure, panels = new_axes(width, 3.5, 1, len(quantities))
        for axes, quantity in zip(panels, quantities, strict=True):
            _draw_panel(axes, histories, quantity)
        handles = _legend(histories)
        figure.legend(
            handles=handles, loc="outside lower center", ncols=2 if len(quantities) == 1 else 3, handlelength=2.2
        )
    return figure


def _draw_panel(axes: Axes, histories: Mapping[str, History], quantity: str) -> None:
    for index, history in enumerate(histories.values()):
        colour = series_colour(index)
        for split, width, dashes in (("train", 1.2, _DASHED), ("validation", 2.0, "-")):
            rows = [row for row in history if f"{split}_{quantity}" in row]
            epochs = [row["epoch"] for row in rows]
            values = [row[f"{split}_{quantity}"] for row in rows]
            single = "." if len(rows) == 1 else ""
            axes.plot(epochs, values, color=colour, marker=single, linewidth=width, linestyle=dashes)
        best = best_epoch(history)
        if best is not None and f"validation_{quantity}" in best:
            (point,) = axes.plot([best["epoch"]], [best[f"validation_{quantity}"]], series_marker(index), color=colour)
            point.set(markersize=7, markeredgecolor=PAPER, markeredgewidth=1.2, zorder=5)
    axes.set_title("Accuracy" if quantity == "accuracy" else "Loss (nats)")
    axes.set_xlabel("epoch")
    epoch_ticks(axes.xaxis)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 2.5, 5, 10]))
    axes.margins(x=0.02)
    if quantity == "accuracy":
        percent_ticks(axes.yaxis)


def _legend(histories: Mapping[str, History]) -> list[Line2D]:
    several = len(histories) > 1
    colour = MUTED if several else series_colour(0)
    handles = [
        legend_handle(name, series_colour(i), series_marker(i), "-") for i, name in enumerate(histories) if several
    ]
    handles.append(legend_handle("training", colour, line=_DASHED, linewidth=1.2))
    if any("validation_accuracy" in row for history in histories.values() for row in history):
        handles.append(legend_handle("validation", colour, line="-", linewidth=2.0))
        handles.append(legend_handle("best validation epoch", INK if several else colour, "o", markersize=6))
    return handles
