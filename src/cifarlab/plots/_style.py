"""The look of every figure: colours that colour-blind readers can tell apart, quiet axes, one font.

Figures are `matplotlib.figure.Figure` objects: no pyplot, no global state, and the same numbers give the same bytes.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

Array = NDArray[Any]

INK = "#1f2430"
MUTED = "#667085"
GRID = "#d9dce3"
PAPER = "#fefefe"
RIGHT = "#0072b2"
WRONG = "#d55e00"
DASHED: Any = (0, (4, 3))
# On a fuller colour, dark text on light paper and light text on dark paper would both have less contrast than 4.5.
DEEPEST = 0.74
# Okabe and Ito's palette, https://jfly.uni-koeln.de/color/: told apart by readers with any colour vision.
SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
MARKERS = ("o", "s", "^", "D", "v", "P")

_SETTINGS: Any = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so a PNG looks the same on every machine
    "font.size": 9,
    "text.color": INK,
    "text.parse_math": False,  # a class named "$5 $10" is a name, not mathematics
    "axes.edgecolor": GRID,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "axes.labelcolor": MUTED,
    "axes.labelsize": 9,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlepad": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "figure.facecolor": PAPER,
    "figure.dpi": 100,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
    "legend.fontsize": 9,
    "xtick.color": GRID,
    "xtick.labelcolor": MUTED,
    "ytick.color": GRID,
    "ytick.labelcolor": MUTED,
    "ytick.major.size": 0,
    "xtick.major.size": 3,
    # Real text: small, searchable, in the page's own font, and any script that the reader's machine can write.
    "svg.fonttype": "none",
    "svg.hashsalt": "cifarlab",
}


@contextmanager
def style() -> Iterator[None]:
    """Our settings, for as long as the block lasts."""
    with matplotlib.rc_context(_SETTINGS), warnings.catch_warnings():
        # The built-in font lacks some scripts; a browser or another font has them, and the name is still right.
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from font")
        yield


def new_axes(width: float, height: float, rows: int = 1, columns: int = 1, **options: Any) -> tuple[Figure, list[Axes]]:
    """A figure with `rows * columns` axes, row by row; call it inside `style()`.

    Args:
        width: In inches.
        height: In inches.
        rows: Of axes.
        columns: Of axes.
        **options: For `Figure.subplots`.
    """
    figure = Figure(figsize=(width, height), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False, **options)
    return figure, list(grid.ravel())


def figure_of(axes: Axes) -> Figure:
    """The whole figure that `axes` is drawn on, also when it is inside a subfigure."""
    figure = axes.get_figure(root=True)
    if figure is None:
        raise ValueError("expected axes that belong to a figure. Received: axes of none")
    return figure


def series_colour(index: int) -> str:
    """The colour of the run at `index`; after six they repeat, with another marker."""
    return SERIES[index % len(SERIES)]


def series_marker(index: int) -> str:
    """The marker of the run at `index`, different for the first six rounds of colours too."""
    return MARKERS[(index + index // len(SERIES)) % len(MARKERS)]


def transparent_heat(values: Array, colour: str) -> Array:
    """A colour whose opacity is the value, so that a heat map lies on light and on dark paper alike.

    Args:
        values: Floats in `[0, 1]`, any shape.
        colour: Such as `"#0072b2"`.

    Returns:
        `values.shape + (4,)` float RGBA.
    """
    rgba = np.empty((*np.shape(values), 4))
    # Opacity and not a paler colour: a page may be dark, and paler would be brighter there.
    rgba[..., :3] = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    rgba[..., 3] = np.clip(values, 0, 1)
    return rgba
