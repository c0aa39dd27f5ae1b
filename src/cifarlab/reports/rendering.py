"""From a `Page` to HTML: the sections in their order, the templates, and how numbers are written."""

import importlib
from functools import cache
from types import ModuleType
from typing import Any

import jinja2
from markupsafe import Markup
from matplotlib.figure import Figure

import cifarlab
from cifarlab.plots import to_inline_svg
from cifarlab.reports.page import Page
from cifarlab.utils import discovery, text
from cifarlab.utils.results import Interval
from cifarlab.utils.text import counted, signed

GENERATOR = '<meta name="generator" content="cifarlab">'
_SPACE = "\N{NO-BREAK SPACE}"
_NOTHING = "\N{EN DASH}"


def render_page(page: Page) -> str:
    """The whole page as one HTML text."""
    built = [(module, module.build(page)) for module in sections()]
    shown = [
        {"id": module.__name__.rpartition(".")[2].replace("_", "-"), "title": module.TITLE, "html": html}
        for module, html in built
        if html is not None
    ]
    # Every section has asked for its pictures by now.
    return render("page", page=page, sections=shown)


def sections() -> list[ModuleType]:
    """The section files, in the order of their `ORDER`."""
    names = discovery.names("reports.sections")
    modules = [importlib.import_module(f"cifarlab.reports.sections.{name}") for name in names]
    return sorted(modules, key=lambda module: int(module.ORDER))


def render(template: str, **values: Any) -> Markup:
    """One of our templates, with everything that is put into it escaped."""
    written_by = {"generator": Markup(GENERATOR), "version": cifarlab.__version__}
    return Markup(_environment().get_template(f"{template}.html").render(**written_by, **values))


def draw(figure: Figure, prefix: str, description: str) -> Markup:
    """A figure as markup for the page."""
    return Markup(to_inline_svg(figure, prefix, description))


def percent(fraction: float | None, digits: int = 2) -> str:
    """`0.5872` as `58.72 %`, with as many decimals as the terminal's tables have."""
    return _NOTHING if fraction is None else text.percent(fraction, digits).replace(" ", _SPACE)


def share(fraction: float) -> str:
    """`0.587` as `59 %`, and what is there but less than half a percent as `<1 %`, never as `0 %`."""
    return text.share(fraction).replace(" ", _SPACE)


def percent_interval(score: Interval, digits: int = 2) -> str:
    """The limits of a fraction, as `57.75 to 59.68 %`."""
    if score.low is None or score.high is None:
        return _NOTHING
    return f"{text.in_percent(score.low, digits)} to {text.in_percent(score.high, digits)}{_SPACE}%"


def number_interval(score: Interval, digits: int = 4) -> str:
    """The limits of a number, as `1.1524 to 1.1931`."""
    if score.low is None or score.high is None:
        return _NOTHING
    return f"{score.low:.{digits}f} to {score.high:.{digits}f}"


def points(fraction: float) -> str:
    """A difference of two fractions in percentage points, with its sign: `+1.42`."""
    return signed(100 * fraction)


def duration(seconds: float | None) -> str:
    """Seconds as people say them: `7.6 s`, `48 s`, `3 min 20 s`, `2 h 05 min`."""
    return _NOTHING if seconds is None else text.duration(seconds, tenths=True).replace(" ", _SPACE)


def plain(value: Any) -> str:
    """A recipe's or an environment's value as text."""
    if value is None or value == "" or value == [] or value == ():
        return _NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(plain(item) for item in value)
    return f"{value:,}" if isinstance(value, int) and abs(value) >= 10_000 else str(value)


def make_environment(*packages: str) -> jinja2.Environment:
    """The templates of some packages, the first that has one of a name before the others, with our filters."""
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader([jinja2.PackageLoader(package) for package in packages]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters = (text.in_percent, percent, percent_interval, share, number_interval, points, duration, plain, counted)
    environment.filters.update({function.__name__: function for function in filters})
    environment.filters["count"] = lambda number: f"{number:,}"
    return environment


@cache
def _environment() -> jinja2.Environment:
    return make_environment("cifarlab.reports", "cifarlab.reports.exploration", "cifarlab.reports.studies")
