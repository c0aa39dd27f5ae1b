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
from cifarlab.web.pages.run_summaries import RunSummary
from cifarlab.web.server.state import jobs_of, library_of

router = APIRouter(include_in_schema=False)

PAGE_SIZE = 200
LONGEST_PART = 200  # letters; a page repeats them in every link
# Column: its title, what it is sorted by, and whether the largest come first when it is first asked for.
COLUMNS: dict[str, tuple[str, Callable[[RunSummary], Any], bool]] = {
    "name": ("Run", lambda summary: summary.name.casefold(), False),
    "state": ("State", lambda summary: STATES.index(summary.state) if summary.state in STATES else 9, False),
    "model": ("Model", lambda summary: summary.model, False),
    "data": ("Data", lambda summary: summary.data, False),
    "accuracy": ("Test accuracy", lambda summary: summary.accuracy, True),
    "loss": ("Test loss", lambda summary: summary.loss, False),
    "best": ("Best on validation", lambda summary: summary.best and summary.best[0], True),
    "epochs": ("Epochs", lambda summary: summary.epochs, True),
    "parameters": ("Parameters", lambda summary: summary.parameters, True),
    "seconds": ("Training", lambda summary: summary.seconds, True),
    "started": ("Started", lambda summary: summary.started, True),
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
    library = library_of(request)
    query = request.query_params
    summaries = library.summaries()
    chosen = order_summaries(filter_summaries(summaries, query), query.get("sort") or "-started")
    page, pages = read_page(query, len(chosen), PAGE_SIZE)
    return {
        "summaries": chosen[(page - 1) * PAGE_SIZE : page * PAGE_SIZE],
        "found": len(chosen),
        "total": len(summaries),
        "page": page,
        "pages": pages,
        "columns": {key: (title, falling) for key, (title, _, falling) in COLUMNS.items()},
        "sort": query.get("sort") or "-started",
        "states": [state for state in STATES if any(summary.state == state for summary in summaries)],
        "models": sorted({summary.model for summary in summaries if summary.model}),
        "datas": sorted({summary.data for summary in summaries if summary.data}),
        "waiting": [(job, jobs_of(request).log(job.name)) for job in jobs_of(request).waiting()],
        "live": any(summary.state == "running" for summary in summaries) or bool(jobs_of(request).waiting()),
        "runs_dir": library.runs_dir,
        "at": "/runs",
    }


def filter_summaries(summaries: list[RunSummary], query: Mapping[str, str]) -> list[RunSummary]:
    """The runs whose name holds every word of `q`, and whose state, model and data are those asked for."""
    words = _part_of_name(query).casefold().split()
    required = {key: query.get(key) for key in ("state", "model", "data") if query.get(key)}
    return [
        summary
        for summary in summaries
        if all(word in summary.name.casefold() for word in words)
        and all(getattr(summary, key) == value for key, value in required.items())
    ]


def _part_of_name(query: Mapping[str, str]) -> str:
    part = query.get("q") or ""
    if len(part) > LONGEST_PART:
        raise CifarlabError(f"q is part of a run's name, at most {LONGEST_PART} letters. Received: {len(part):,}")
    return part


def order_summaries(summaries: list[RunSummary], sort: str) -> list[RunSummary]:
    """The runs by a column, `-` before its name for the largest first; what has no value comes last either way.

    Raises:
        CifarlabError: If there is no such column.
    """
    name = sort.removeprefix("-")
    if name not in COLUMNS:
        raise CifarlabError(discovery.unknown("column", name, COLUMNS))
    value = COLUMNS[name][1]
    known = [summary for summary in summaries if value(summary) not in (None, "")]
    unknown = [summary for summary in summaries if value(summary) in (None, "")]
    return [*sorted(known, key=value, reverse=sort.startswith("-")), *unknown]
