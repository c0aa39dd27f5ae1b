"""Two settings of a search against each other: the score of each trial, and what lies between them."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.tri import Triangulation

from cifarlab.plots._axes import percent_ticks
from cifarlab.plots._style import DEEPEST, PAPER, RIGHT, SERIES, Array, new_axes, style, transparent_heat
from cifarlab.plots._trials import heights, setting_ticks, shares
from cifarlab.utils.results import ParameterValues

_LEVELS = 7
_MARGIN = 0.03  # of a scale's length, beyond its ends
_SPREAD = 0.22  # as in the slices: no dot of a choice is to hide another


def plot_setting_contours(first: ParameterValues, second: ParameterValues, scores: Sequence[float]) -> Figure:
    """A dot a trial, the deeper the better, the best as a square; between numbers, areas of equal score.

    The areas are straight lines from trial to trial (Delaunay's triangles), on the settings' own scales; where one of
    the two is a choice there is nothing between its values, and the dots stand alone.

    Args:
        first: What the N trials had for the setting along the horizontal axis.
        second: The same for the vertical axis. A trial with a value outside of what was searched is not drawn.
        scores: N accuracies.

    Raises:
        ValueError: If there is no trial, or not a value of both settings for each.
    """
    if not scores or not len(first.values) == len(second.values) == len(scores):
        lengths = f"{len(first.values)} and {len(second.values)}"
        raise ValueError(f"expected two values for each of {len(scores)} scores. Received: {lengths}")
    with style():
        figure, (axes,) = new_axes(6.4, 4.2)
        values = np.asarray(scores, float)
        x, y = _spread(first, np.cos), _spread(second, np.sin)
        drawn = np.isfinite(x) & np.isfinite(y)
        low, high = (float(end(values[drawn])) if drawn.any() else 0.0 for end in (np.min, np.max))
        levels = np.linspace(low, high, _LEVELS + 1)
        if not first.choices and not second.choices and high > low:
            _draw_areas(axes, first, second, values, drawn, levels)
        share = (values[drawn] - low) / ((high - low) or 1.0)
        colours = transparent_heat(0.2 + 0.8 * share, RIGHT)
        axes.scatter(x[drawn], y[drawn], s=30, c=colours, edgecolors=PAPER, linewidths=0.6, zorder=3)
        if drawn.any():
            best = int(np.argmax(np.where(drawn, values, -np.inf)))
            axes.plot(x[best], y[best], "s", color=SERIES[1], markersize=8, markeredgecolor=PAPER, zorder=4)
        for axis, each in ((axes.xaxis, first), (axes.yaxis, second)):
            setting_ticks(axes, axis, each)
            ends = np.array([-_MARGIN, 1 + _MARGIN])
            limits = (-0.5, len(each.choices) - 0.5) if each.choices else tuple(_unshare(each, ends))
            axes.set(**{f"{axis.axis_name}lim": limits})
            axis.set_label_text(each.name)
        axes.grid(True, axis="both")
    return figure


def _spread(values: ParameterValues, wave: np.ufunc) -> Array:
    """`(N,)` float64: where each trial stands, choices a little apart; the same at each drawing."""
    at = heights(values)
    return at + _SPREAD * wave(2.4 * np.arange(len(at))) if values.choices else at


def _draw_areas(
    axes: Axes, first: ParameterValues, second: ParameterValues, values: Array, drawn: Array, levels: Array
) -> None:
    """Areas of equal score, and a scale that says which; nothing where the trials stand in one line."""
    # In shares of each scale, as the eye sees them: a triangle's sides are straight on a logarithmic axis too.
    points = np.unique(np.column_stack([shares(first)[drawn], shares(second)[drawn], values[drawn]]), axis=0)
    places, rows = np.unique(points[:, :2], axis=0, return_inverse=True)
    if len(places) < 4 or np.linalg.matrix_rank(places - places[0], tol=1e-6) < 2:
        return
    best = np.full(len(places), -np.inf)
    np.maximum.at(best, rows.ravel(), points[:, 2])  # of trials at one place the best
    shades = transparent_heat(DEEPEST * (np.arange(_LEVELS) + 0.5) / _LEVELS, RIGHT)
    areas = axes.tricontourf(Triangulation(*places.T), best, levels=levels, colors=[tuple(each) for each in shades])
    for path in areas.get_paths():
        x, y = np.asarray(path.vertices).T
        path.vertices = np.column_stack([_unshare(first, x), _unshare(second, y)])
    scale = axes.figure.colorbar(areas, ax=axes, pad=0.02)
    scale.outline.set_visible(False)
    percent_ticks(scale.ax.yaxis, 5)
    scale.set_label("validation accuracy")


def _unshare(values: ParameterValues, steps: Array) -> Array:
    """The numbers at these shares of a setting's scale, in `[0, 1]` or a little outside."""
    low, high = np.log(values.limits) if values.is_log else values.limits
    at = low + (high - low) * steps
    found: Array = np.exp(at) if values.is_log else at
    return found
