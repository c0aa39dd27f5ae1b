"""Pages: the app's templates over the report's own."""

import datetime
import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import jinja2
from fastapi import Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup, escape

import cifarlab
from cifarlab.reports import rendering as report_rendering
from cifarlab.runs.layout import evaluate_command
from cifarlab.utils import discovery

STATIC = Path(__file__).parents[1] / "static"
THEMES = ("light", "dark")
THEME_COOKIE = "cifarlab_theme"
LIST_COOKIE = "cifarlab_list"
"""The query of the table of runs as it was last seen."""
FOR_PROGRAMS = ("/v1/", "/healthz", "/readyz", "/metrics", "/openapi.json")
"""Addresses that answer no page, whoever asks."""
# Title, address, and the route file that serves it.
NAVIGATION = (
    ("Runs", "/runs", "runs"),
    ("Studies", "/studies", "studies"),
    ("Data", "/data", "data"),
    ("Classify", "/classify", "classify"),
    ("API", "/docs", "documentation"),
)


def page(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """A template as a response.

    Args:
        request: Whose answer this is; its address and theme are known to the template.
        template: File name in `templates/`.
        status: HTTP status.
        **values: For the template; everything is escaped unless it is `Markup`.
    """
    text = _render(request, template, values)
    return HTMLResponse(text, status_code=status, headers={"Cache-Control": "private, no-cache"})


def fragment(request: Request, template: str, **values: Any) -> HTMLResponse:
    """Part of a page, which a script asks for.

    Args:
        request: Whose answer this is.
        template: File name in `templates/`.
        **values: For the template.
    """
    return HTMLResponse(_render(request, template, values), headers={"Cache-Control": "no-store"})


def _render(request: Request, template: str, values: Mapping[str, Any]) -> str:
    return _environment().get_template(template).render(
        page_address=PageAddress(request),
        theme=theme_of(request),
        navigation=_navigation(),
        asset=asset,
        version=cifarlab.__version__,
        **values,
    )  # fmt: skip


def wants_page(request: Request) -> bool:
    """Whether who asks is shown a page, as people are; programs ask for JSON, or under the addresses made for them."""
    accepted = request.headers.get("accept", "")
    is_for_programs = request.url.path.startswith(FOR_PROGRAMS)
    return not is_for_programs and ("text/html" in accepted or "application/json" not in accepted)


class PageAddress:
    """The address of the page that is being made, to link to it with something changed."""

    def __init__(self, request: Request) -> None:
        """Remember the path and the query."""
        self._request = request
        self.path = request.url.path
        self.query = [(key, value) for key, value in request.query_params.multi_items() if value]

    def __call__(self, **changes: Any) -> str:
        """This page with other values in its query; None or an empty text removes one."""
        return self.at(self.path, **changes)

    def at(self, path: str, **changes: Any) -> str:
        """Another page with this page's query."""
        changes = {key.rstrip("_"): value for key, value in changes.items()}
        kept = [(key, value) for key, value in self.query if key not in changes]
        added = [(key, value) for key, value in changes.items() if value not in (None, "")]
        return address(path, kept + added)

    @property
    def last_runs(self) -> str:
        """The table of runs, filtered and sorted as it was last seen."""
        return last_runs(self._request)

    def value(self, key: str) -> str:
        """What the query says of a key; empty where nothing."""
        return next((value for known, value in self.query if known == key), "")

    @property
    def part(self) -> str:
        """Address of the item of the navigation under which this page is found."""
        first = "/" + self.path.split("/")[1]
        if first == "/images":
            return "/data" if self.value("in") in ("", "data") else "/runs"
        if first == "/searches":
            return "/studies"
        return "/runs" if first in ("/compare", "/trainings", "/bin", "/selection") else first

    @property
    def whole(self) -> str:
        """Path and query as they are."""
        return address(self.path, self.query)


def address(path: str, query: Sequence[tuple[str, Any]] | Mapping[str, Any]) -> str:
    """A path with a query, encoded."""
    encoded = urlencode(query, doseq=True)
    return f"{path}?{encoded}" if encoded else path


def last_runs(request: Request, **added: str) -> str:
    """The address of the table of runs, filtered and sorted as this visitor last saw it; with more in its query."""
    return address("/runs", [*parse_qsl(request.cookies.get(LIST_COOKIE, "")), *added.items()])


def theme_of(request: Request) -> str:
    """`"light"` or `"dark"` where the visitor chose; else empty: as their system is."""
    chosen = request.query_params.get("theme") or request.cookies.get(THEME_COOKIE, "")
    return chosen if chosen in THEMES else ""


@lru_cache(maxsize=4096)
def moment(written: str) -> Markup:
    """A time as `2026-11-30 11:04 UTC`; the script shows it in the visitor's own zone. Else what is written.

    Args:
        written: ISO 8601 with an offset.
    """
    try:
        when = datetime.datetime.fromisoformat(written)
    except ValueError:
        return escape(written)
    if when.tzinfo is None:
        return escape(written)
    when = when.astimezone(datetime.UTC)
    return Markup('<time datetime="{}">{} UTC</time>').format(when.isoformat(), when.strftime("%Y-%m-%d %H:%M"))


def code(text: str) -> Markup:
    """A docstring's text, what stands there between backticks as code."""
    parts = text.split("`")
    marked = [Markup("<code>{}</code>").format(part) if place % 2 else escape(part) for place, part in enumerate(parts)]
    return Markup().join(marked)


@cache
def asset(name: str) -> str:
    """The address of a static file; it changes with the file, so that browsers may keep it for good."""
    return f"/static/{name}?v={hashlib.sha256(read_asset(name)).hexdigest()[:12]}"


@cache
def read_asset(name: str) -> bytes:
    """A static file; `style.css` is the report's sheet, the same colours for a chosen theme, and the app's own.

    Raises:
        FileNotFoundError: If there is none of that name.
    """
    if name == "style.css":
        return (_report_style() + (STATIC / "app.css").read_text(encoding="utf-8")).encode()
    known = {path.name: path for path in STATIC.iterdir()}
    if name not in known:
        raise FileNotFoundError(name)
    return known[name].read_bytes()


def _report_style() -> str:
    """The report's style sheet, in which a chosen theme has the colours that the system's choice has."""
    folder = Path(report_rendering.__file__).parent / "templates"
    sheet = (folder / "style.css").read_text(encoding="utf-8")
    blocks = [block for block in re.findall(r":root \{(.*?)\}", sheet, flags=re.DOTALL) if "--paper" in block]
    light, dark = blocks[0], blocks[1]
    chosen = f':root[data-theme="light"] {{{light} color-scheme: light; }}\n'
    chosen += f':root[data-theme="dark"] {{{dark} color-scheme: dark; }}\n'
    return sheet + chosen


@cache
def _navigation() -> list[tuple[str, str]]:
    shown = discovery.names("web.routes")
    return [(title, target) for title, target, module in NAVIGATION if module in shown]


@cache
def _environment() -> jinja2.Environment:
    # The app's `base.html` stands before the report's: a report's page becomes a page of the app.
    environment = report_rendering.make_environment("cifarlab.web", "cifarlab.reports")
    environment.globals.update(address=address, evaluate_command=evaluate_command, Markup=Markup)
    environment.filters.update(moment=moment, code=code)
    return environment
