"""The look of every figure: colours that colour-blind readers can tell apart, quiet axes, and SVG or PNG out.

Figures are `matplotlib.figure.Figure` objects: no pyplot, no global state, and the same numbers give the same bytes.
"""

import base64
import io
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import Formatter, MaxNLocator
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
_CSS_NAMES = {INK: "ink", MUTED: "muted", GRID: "grid", PAPER: "paper"} | {
    colour: f"series-{number}" for number, colour in enumerate(SERIES, 1)
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


def to_png(figure: Figure, dots_per_inch: int = 150) -> bytes:
    """The figure as PNG bytes; the same figure gives the same bytes."""
    file = io.BytesIO()
    with style():
        figure.savefig(file, format="png", dpi=dots_per_inch, metadata={"Software": None})
    return file.getvalue()


def to_svg(figure: Figure) -> str:
    """The figure as a whole SVG file, to be kept beside a run; the same figure gives the same text."""
    file = io.StringIO()
    with style():
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    return file.getvalue()


def to_inline_svg(figure: Figure, prefix: str, description: str) -> str:
    """The figure as an `<svg>` element for a page: its colours and font are the page's, and its ids are its own.

    Args:
        figure: Any figure made inside `style()`.
        prefix: Put before every id, so that several figures live on one page.
        description: What a reader who cannot see the figure is told.

    Returns:
        Markup that follows the page's custom properties `--figure-ink`, `--figure-muted`, `--figure-grid`,
        `--figure-paper`, `--figure-series-1` to `-6` and `--figure-font`.
    """
    file = io.StringIO()
    with style():
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = file.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = svg.replace("xlink:href", "href")
    svg = _keep_used_ids(svg, prefix)
    for colour, name in _CSS_NAMES.items():
        svg = svg.replace(colour, f"var(--figure-{name}, {colour})")
    svg = svg.replace("'DejaVu Sans'", "var(--figure-font, sans-serif)")
    svg = re.sub(r' transform="rotate\(-?0 [^)]*\)"', "", svg)
    svg = re.sub(r">\s+<", "><", svg)
    width, height = (float(value) for value in re.findall(r'(?:width|height)="([\d.]+)pt"', svg)[:2])
    label = description.translate({ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;", ord('"'): "&quot;"})
    opening = f'<svg role="img" aria-label="{label}" viewBox="0 0 {width:g} {height:g}" class="figure">'
    return opening + svg[svg.index(">") + 1 :].strip()


def transparent_heat(values: Array, colour: str) -> Array:
    """A colour whose opacity is the value, so that a heat map lies on light and on dark paper alike.

    Args:
        values: Floats in `[0, 1]`, any shape.
        colour: Such as `"#0072b2"`.

    Returns:
        `values.shape + (4,)` float RGBA.
    """
    rgba = np.empty((*np.shape(values), 4))
    rgba[..., :3] = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    rgba[..., 3] = np.clip(values, 0, 1)
    return rgba


def draw_interval(
    axes: Axes, interval: Sequence[float | None], height: float, colour: str, marker: str = "o", *, size: float = 5.5
) -> None:
    """One dot with its whisker on a horizontal scale; what is undefined (None) is not drawn.

    Args:
        axes: Where to draw.
        interval: `(value, low, high)`.
        height: Vertical position.
        colour: Of dot and whisker.
        marker: Shape of the dot.
        size: Of the dot, in points.
    """
    value, low, high = interval
    if value is None:
        return
    if low is not None and high is not None:
        axes.plot([low, high], [height, height], color=colour, linewidth=2.2, alpha=0.45, solid_capstyle="round")
    axes.plot([value], [height], marker, color=colour, markersize=size, markeredgecolor=PAPER, markeredgewidth=0.8)


def class_rows(axes: Axes, names: Sequence[str], *, top_down: bool = True, size: float = 9) -> None:
    """A named row for every class, run or slice: names in ink, a grid along the values alone.

    Args:
        axes: Whose rows are at the heights 0, 1, 2 ...
        names: One a row.
        top_down: Whether row 0 stands on top.
        size: Of the names, in points.
    """
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(*((len(names) - 0.4, -0.6) if top_down else (-0.6, len(names) - 0.3)))
    axes.tick_params(axis="y", labelcolor=INK, labelsize=size)
    axes.grid(True, axis="x")
    axes.grid(False, axis="y")


def matrix_cells(axes: Axes, heat: Array, rows: Sequence[str], columns: Sequence[str], *, aspect: str = "auto") -> None:
    """A coloured cell for each pair of row and column, named in ink, in a frame and without a grid.

    Args:
        axes: Where to draw.
        heat: `(R, C, 4)` float RGBA in `[0, 1]`.
        rows: R names.
        columns: C names.
        aspect: `"equal"` for square cells.
    """
    axes.imshow(heat, interpolation="none", aspect=aspect)  # type: ignore[arg-type]
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(rows)), rows)
    axes.tick_params(length=0, labelcolor=INK, pad=3)
    axes.grid(False)
    axes.spines["bottom"].set_visible(False)
    outline(axes)


def rule_cells(axes: Axes, rows: int, columns: int) -> None:
    """Thin lines of paper between the cells."""
    for edge in range(rows - 1):
        axes.axhline(edge + 0.5, color=PAPER, linewidth=1)
    for edge in range(columns - 1):
        axes.axvline(edge + 0.5, color=PAPER, linewidth=1)


def show_image(axes: Axes, image: Array | None, caption: str = "", *, colour: str = INK, framed: bool = False) -> None:
    """One picture enlarged without smoothing, its caption under it; None leaves the axes empty.

    Args:
        axes: Where to draw.
        image: `(H, W, C)` uint8, C is 1 or 3.
        caption: A short text of one line or two.
        colour: Of the caption.
        framed: Whether a thin line goes around the picture.
    """
    axes.grid(False)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set(visible=framed and image is not None, color=GRID)
    if image is not None:
        axes.imshow(to_rgb(image), interpolation="none")
        axes.set_xlabel(caption, fontsize=7.5, color=colour, labelpad=3)


def to_rgb(images: Array) -> Array:
    """`(..., 1)` or `(..., 3)` as `(..., 3)`: matplotlib would colour a single channel."""
    return np.repeat(images, 3, axis=-1) if images.shape[-1] == 1 else images


def percent_ticks(axis: Axis, most: int = 0, steps: Sequence[float] = (1, 2, 5, 10)) -> None:
    """Fractions along `axis` are told as percents, with as many decimals as their steps need.

    Args:
        axis: `axes.xaxis` or `axes.yaxis`.
        most: How many steps there may be; 0 leaves the ticks where they are.
        steps: What a step may be, times a power of ten; from 1 to 10.
    """
    if most:
        axis.set_major_locator(MaxNLocator(nbins=most, steps=steps))
    axis.set_major_formatter(_Percents())


def epoch_ticks(axis: Axis) -> None:
    """Whole numbers along `axis`, also where there is a single one."""
    axis.set_major_locator(MaxNLocator(nbins=7, integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))


def legend_handle(label: str, colour: str, marker: str = "", line: Any = "", **look: Any) -> Line2D:
    """An entry of a legend that is drawn by hand.

    Args:
        label: What it says.
        colour: Of marker and line.
        marker: Its shape; empty for none.
        line: The line's style; empty for none.
        **look: Further properties of `Line2D`.
    """
    return Line2D([], [], label=label, color=colour, marker=marker, linestyle=line, **{"markersize": 5, **look})


def data_uri(png: bytes) -> str:
    """PNG bytes as an address that needs no request."""
    return "data:image/png;base64," + base64.b64encode(png).decode()


def outline(axes: Axes, colour: str = GRID) -> None:
    """A thin frame around the whole of `axes`."""
    frame = Rectangle((0, 0), 1, 1, transform=axes.transAxes, fill=False, edgecolor=colour, linewidth=0.7)
    frame.set_clip_on(False)
    axes.add_patch(frame)


def _keep_used_ids(svg: str, prefix: str) -> str:
    used = set(re.findall(r'(?:href="|url\()#([^")]+)', svg))

    def rename(match: re.Match[str]) -> str:
        return f' id="{prefix}-{match[1]}"' if match[1] in used else ""

    svg = re.sub(r'\sid="([^"]+)"', rename, svg)
    return re.sub(r'(href="|url\()#', rf"\g<1>#{prefix}-", svg)


class _Percents(Formatter):
    """matplotlib's own looks at the length of the scale, not at the steps: 12.5 % becomes 12 %."""

    def __call__(self, value: float, pos: int | None = None) -> str:
        return self.format_ticks([value])[0]

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        percents = [100 * value for value in values]
        exact = (count for count in range(4) if all(abs(each - round(each, count)) < 1e-6 for each in percents))
        decimals = next(exact, 4)
        return [f"{each:.{decimals}f} %" for each in percents]
