"""How many images each class has in every split."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from cifarlab.plots._axes import class_rows
from cifarlab.plots._style import MUTED, SERIES, new_axes, style

_SPLIT_COLOURS = {"train": SERIES[0], "validation": SERIES[5], "test": SERIES[4]}


def plot_class_counts(counts: Mapping[str, Sequence[int]], class_names: Sequence[str]) -> Figure:
    """One bar a class, made of its splits, with the number at its end.

    Args:
        counts: Split to K counts; a split without images is left out.
        class_names: K names, drawn from top to bottom.

    Raises:
        ValueError: If a split has not one count for every class.
    """
    if any(len(column) != len(class_names) for column in counts.values()):
        raise ValueError(f"expected {len(class_names)} counts for every split. Received: {dict(counts)}")
    shown = {split: column for split, column in counts.items() if sum(column)}
    places = range(len(class_names))
    with style():
        row = 0.3 if len(class_names) <= 20 else 0.17
        figure, (axes,) = new_axes(7, 0.9 + row * len(class_names))
        starts = [0] * len(class_names)
        for split, column in shown.items():
            colour = _SPLIT_COLOURS.get(split, MUTED)
            axes.barh(places, column, left=starts, height=0.7, color=colour, label=f"{split} ({sum(column):,})")
            starts = [start + count for start, count in zip(starts, column, strict=True)]
        for place, total in enumerate(starts):
            axes.annotate(f"{total:,}", (total, place), (4, 0), textcoords="offset points", va="center", color=MUTED)
        class_rows(axes, class_names)
        axes.set_xlim(0, 1.1 * max([1, *starts]))
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.set_xlabel("images")
        axes.tick_params(axis="x", length=0)
        figure.legend(loc="outside upper left", ncols=3, handlelength=1, handleheight=1)
    return figure
