"""What the figures about a search have in common: a setting along an axis, and how deep a trial's colour is."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from cifarlab.plots._style import Array
from cifarlab.utils.results import ParameterValues

PALEST = 0.18
_LONGEST_WORD = 16


def heights(values: ParameterValues) -> Array:
    """`(N,)` float64: the numbers, or the places of the choices; NaN for what lies outside."""
    if not values.choices:
        return np.array([np.nan if value is None else float(value) for value in values.values])
    place = {choice: number for number, choice in enumerate(values.choices)}
    return np.array([float(place.get(str(value), np.nan)) for value in values.values])


def shares(values: ParameterValues) -> Array:
    """`(N,)` float64 in `[0, 1]`: how far up the setting's own scale each value stands."""
    at = heights(values)
    if values.choices:
        return at / (len(values.choices) - 1) if len(values.choices) > 1 else at + 0.5
    low, high = np.log(values.limits) if values.is_log else values.limits
    share: Array = ((np.log(at) if values.is_log else at) - low) / ((high - low) or 1.0)
    return np.clip(share, 0, 1)


def ends(values: ParameterValues) -> list[tuple[float, str]]:
    """Words along a scale from 0 to 1: every choice, or the two ends."""
    if values.choices:
        count = len(values.choices)
        return [(place / (count - 1) if count > 1 else 0.5, short(word)) for place, word in enumerate(values.choices)]
    return [(0.0, f"{values.limits[0]:.4g}"), (1.0, f"{values.limits[1]:.4g}")]


def setting_ticks(axes: Axes, axis: Axis, values: ParameterValues) -> None:
    """The setting's own scale along `axes.xaxis` or `axes.yaxis`."""
    if values.choices:
        axis.set_major_locator(FixedLocator(list(range(len(values.choices)))))
        axis.set_major_formatter(FuncFormatter(lambda place, _: short(values.choices[round(place)])))
        return
    if values.is_log:
        axes.set(**{f"{axis.axis_name}scale": "log"})  # type: ignore[attr-defined]
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(FuncFormatter(lambda number, _: f"{number:.4g}"))
    else:
        axis.set_major_locator(MaxNLocator(nbins=4))


def depths(scores: Sequence[float]) -> Array:
    """`(N,)` float64 in `[PALEST, 1]`: the opacity of each trial, by its rank: the best is the deepest."""
    order = np.argsort(np.argsort(np.asarray(scores, float), kind="stable"), kind="stable")
    depth: Array = PALEST + (1 - PALEST) * order / max(1, len(scores) - 1)
    return depth


def short(word: str) -> str:
    """A long word's beginning."""
    return word if len(word) <= _LONGEST_WORD else f"{word[: _LONGEST_WORD - 1]}…"
