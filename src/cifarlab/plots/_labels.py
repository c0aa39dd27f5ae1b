"""Names beside the dots of a figure, each where it covers least."""

import itertools
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.transforms import Bbox

from cifarlab.plots._style import INK, Array

# Offsets in points with the alignment that they need; the first of those that cover least is taken.
_PLACES = (
    *((7, -4, "left", "top"), (-7, 4, "right", "bottom"), (9, 0, "left", "center"), (-9, 0, "right", "center")),
    *((7, 4, "left", "bottom"), (-7, -4, "right", "top"), (0, 9, "center", "bottom"), (0, -9, "center", "top")),
    *((12, -14, "left", "top"), (-12, 14, "right", "bottom"), (12, 14, "left", "bottom"), (-12, -14, "right", "top")),
)
_DOT_PIXELS = 6  # from a dot's middle to the side of the square that a label must leave free
_STEPS = 60  # points on each side of a path, so near each other that no label fits between two


def place_labels(
    axes: Axes,
    labels: Sequence[tuple[str, float, float]],
    *,
    dots: Sequence[tuple[float, float]],
    paths: Sequence[Sequence[tuple[float, float]]] = (),
    lines: Sequence[float] = (),
    size: float = 8.5,
) -> None:
    """Write each text beside its point, away from the dots, the paths through them, the lines and one another.

    Args:
        axes: Of a figure that has been laid out: what is written here changes no sizes.
        labels: Text with the point that it names.
        dots: Points that must not be covered.
        paths: Points joined by lines that should not be covered.
        lines: Heights of horizontal lines that should not be covered.
        size: Of the text, in points.
    """
    covered = [_around(axes, dot) for dot in dots]
    joined = _on_paths([axes.transData.transform(np.array(path)) for path in paths])
    heights = [axes.transData.transform((labels[0][1], line))[1] for line in lines] if labels else []
    inside = axes.get_window_extent()
    for text, x, y in labels:
        tried = []
        for right, up, horizontal, vertical in _PLACES:
            label = axes.annotate(
                text, (x, y), (right, up), textcoords="offset points", ha=horizontal, va=vertical, fontsize=size,
                color=INK, zorder=5,
            )  # fmt: skip
            label.set_in_layout(False)  # else the layout would make room, and move what was just measured
            box = label.get_window_extent()
            cost = _cost(box, covered, joined, heights, inside) + 3 * _is_nearer_to_another(axes, box, (x, y), dots)
            tried.append((cost, label, box))
        best = min(tried, key=lambda each: each[0])
        for each in tried:
            if each is not best:
                each[1].remove()
        covered.append(best[2])


def _cost(box: Bbox, covered: Sequence[Bbox], path: Array, heights: Sequence[float], inside: Bbox) -> float:
    """How much a label would cover: dots and other labels weigh most, then what lies outside, then lines."""
    overlapping = sum(box.overlaps(other) for other in covered)
    outside = box.x0 < inside.x0 or box.x1 > inside.x1 or box.y0 < inside.y0 or box.y1 > inside.y1
    crossed = ((path > box.min) & (path < box.max)).all(axis=1).any()
    ruled = sum(box.y0 < height < box.y1 for height in heights)
    return float(10 * overlapping + 5 * outside + 2 * crossed + ruled)


def _is_nearer_to_another(axes: Axes, box: Bbox, own: tuple[float, float], dots: Sequence[tuple[float, float]]) -> bool:
    """Whether a reader would take the label for another dot's."""

    def distance(dot: tuple[float, float]) -> float:
        x, y = axes.transData.transform(dot)
        return float(np.hypot(x - np.clip(x, box.x0, box.x1), y - np.clip(y, box.y0, box.y1)))

    return any(distance(dot) < distance(own) for dot in dots if dot != own)


def _around(axes: Axes, point: tuple[float, float]) -> Bbox:
    x, y = axes.transData.transform(point)
    return Bbox.from_extents(x - _DOT_PIXELS, y - _DOT_PIXELS, x + _DOT_PIXELS, y + _DOT_PIXELS)


def _on_paths(paths: Sequence[Array]) -> Array:
    """`(P, 2)` points close together on the way through the corners of each path."""
    shares = np.linspace(0, 1, _STEPS)[:, None]
    sides = [a + shares * (b - a) for corners in paths for a, b in itertools.pairwise(corners)]
    return np.concatenate([np.empty((0, 2)), *sides])
