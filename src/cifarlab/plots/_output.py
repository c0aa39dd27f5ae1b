"""Figures as PNG and SVG, as files and inside pages: the same figure gives the same bytes."""

import base64
import io
import re

from matplotlib.figure import Figure

from cifarlab.plots._style import GRID, INK, MUTED, PAPER, SERIES, style

_CSS_NAMES = {INK: "ink", MUTED: "muted", GRID: "grid", PAPER: "paper"} | {
    colour: f"series-{number}" for number, colour in enumerate(SERIES, 1)
}


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
    # From here on by text, and not as XML: the markup is matplotlib's alone, and names in it stay escaped as they are.
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = svg.replace("xlink:href", "href")  # SVG 2 needs no namespace for it, and HTML declares none
    svg = _keep_used_ids(svg, prefix)
    for colour, name in _CSS_NAMES.items():
        svg = svg.replace(colour, f"var(--figure-{name}, {colour})")
    svg = svg.replace("'DejaVu Sans'", "var(--figure-font, sans-serif)")
    svg = re.sub(r' transform="rotate\(-?0 [^)]*\)"', "", svg)
    svg = re.sub(r">\s+<", "><", svg)
    # The first two are the figure's own, in points; as a view box they scale with the page.
    width, height = (float(value) for value in re.findall(r'(?:width|height)="([\d.]+)pt"', svg)[:2])
    label = description.translate({ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;", ord('"'): "&quot;"})
    opening = f'<svg role="img" aria-label="{label}" viewBox="0 0 {width:g} {height:g}" class="figure">'
    return opening + svg[svg.index(">") + 1 :].strip()


def data_uri(png: bytes) -> str:
    """PNG bytes as an address that needs no request."""
    return "data:image/png;base64," + base64.b64encode(png).decode()


def _keep_used_ids(svg: str, prefix: str) -> str:
    # matplotlib names every group; only what is referred to, as clip paths and markers, needs its name.
    used = set(re.findall(r'(?:href="|url\()#([^")]+)', svg))

    def rename(match: re.Match[str]) -> str:
        return f' id="{prefix}-{match[1]}"' if match[1] in used else ""

    svg = re.sub(r'\sid="([^"]+)"', rename, svg)
    return re.sub(r'(href="|url\()#', rf"\g<1>#{prefix}-", svg)
