"""The table of all runs: sorted, filtered, some of them selected."""

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from cifarlab.runs import STATES
from cifarlab.utils import discovery
from cifarlab.utils.errors import CifarlabError
from cifarlab.web.pages import rendering
from cifarlab.web.pages.filters import read_page
from cifarlab.web.pages.library import Library
from cifarlab.web.pages.run_summaries import RunSummary

router = APIRouter(include_in_schema=False)

PAGE_SIZE = 200
# Column: its title, what it is sorted by, and whether the largest come first when it is first asked for.
COLUMNS: dict[str, tuple[str, Callable[[RunSummary], Any], bool]] = {
    "name": ("Run", lambda entry: entry.name.casefold(), False),
    "state": ("State", lambda entry: STATES.index(entry.state) if entry.state in STATES else 9, False),
    "model": ("Model", lambda entry: entry.model, False),
    "data": ("Data", lambda entry: entry.data, False),
    "accuracy": ("Test accuracy", lambda entry: entry.accuracy, True),
    "loss": ("Test loss", lambda entry: entry.loss, False),
    "best": ("Best on validation", lambda entry: entry.best and entry.best[0], True),
    "epochs": ("Epochs", lambda entry: entry.epochs, True),
    "parameters": ("Parameters", lambda entry: entry.parameters, True),
    "seconds": ("Training", lambda entry: entry.seconds, True),
    "started": ("Started", lambda entry: entry.started, True),
}


@router.get("/")
def begin() -> Response:
    """The runs are where one begins."""
    return RedirectResponse("/runs", status_code=307)


@router.get("/runs")
def show_runs(request: Request) -> Response:
    """All runs, or those that the address asks for."""
    return rendering.page(request, "runs.html", **_values(request))


@router.get("/runs-table")
def show_table(request: Request) -> Response:
    """The table alone, for the script that keeps it up to date."""
    return rendering.fragment(request, "runs_live.html", **_values(request))


def _values(request: Request) -> dict[str, Any]:
    library: Library = request.app.state.library
    query = request.query_params
    entries = library.entries()
    chosen = order_entries(filter_entries(entries, query), query.get("sort") or "-started")
    page, pages = read_page(query, len(chosen), PAGE_SIZE)
    return {
        "entries": chosen[(page - 1) * PAGE_SIZE : page * PAGE_SIZE],
        "found": len(chosen),
        "total": len(entries),
        "page": page,
        "pages": pages,
        "columns": {key: (title, falling) for key, (title, _, falling) in COLUMNS.items()},
        "sort": query.get("sort") or "-started",
        "states": [state for state in STATES if any(entry.state == state for entry in entries)],
        "models": sorted({entry.model for entry in entries if entry.model}),
        "datas": sorted({entry.data for entry in entries if entry.data}),
        "waiting": [(job, request.app.state.jobs.log(job.name)) for job in request.app.state.jobs.waiting()],
        "live": any(entry.state == "running" for entry in entries) or bool(request.app.state.jobs.waiting()),
        "runs_dir": library.runs_dir,
        "at": "/runs",
    }


def filter_entries(entries: list[RunSummary], query: Mapping[str, str]) -> list[RunSummary]:
    """The runs whose name holds every word of `q`, and whose state, model and data are those asked for."""
    words = (query.get("q") or "").casefold().split()
    wanted = {key: query.get(key) for key in ("state", "model", "data") if query.get(key)}
    return [
        entry
        for entry in entries
        if all(word in entry.name.casefold() for word in words)
        and all(getattr(entry, key) == value for key, value in wanted.items())
    ]


def order_entries(entries: list[RunSummary], sort: str) -> list[RunSummary]:
    """The runs by a column, `-` before its name for the largest first; what has no value comes last either way.

    Raises:
        CifarlabError: If there is no such column.
    """
    name = sort.removeprefix("-")
    if name not in COLUMNS:
        raise CifarlabError(discovery.unknown("column", name, COLUMNS))
    value = COLUMNS[name][1]
    known = [entry for entry in entries if value(entry) not in (None, "")]
    unknown = [entry for entry in entries if value(entry) in (None, "")]
    return [*sorted(known, key=value, reverse=sort.startswith("-")), *unknown]
