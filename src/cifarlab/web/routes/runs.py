"""The table of all runs: sorted, filtered, seeds as one, some of them ticked; and the same as CSV."""

from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from cifarlab.runs import STATES
from cifarlab.runs.moving import binned
from cifarlab.web.pages import rendering
from cifarlab.web.pages.filters import read_page
from cifarlab.web.pages.run_table import SETTING, read_table
from cifarlab.web.pages.training_form import FIRST_RECIPE
from cifarlab.web.server.refusals import Refusal
from cifarlab.web.server.state import jobs_of, library_of

router = APIRouter(include_in_schema=False)

PAGE_SIZE = 200
KEPT = ("q", "state", "model", "data", "tag", "least", "group", "set", "sort")
"""What a visitor who comes back from a run finds as it was."""
# The pictures are signs, which are not mirrored, and so few that a batch is small.
_FIRST_TRAINING = {"recipe": FIRST_RECIPE, "data": "digits", "set.flip": "none", "set.batch_size": "100"}


@router.get("/")
def begin() -> Response:
    """The runs are where one begins."""
    return RedirectResponse("/runs", status_code=307)


@router.get("/runs")
def show_runs(request: Request) -> Response:
    """All runs, or those that the address asks for."""
    return runs_page(request)


def runs_page(request: Request, refused: Refusal | None = None) -> Response:
    """The table's page, with what is to be said of a form that was refused."""
    status = 200 if refused is None else 400
    shown = rendering.page(request, "runs.html", status=status, refused=refused, **_values(request, refused))
    if refused is None:
        kept = [(key, value) for key, value in request.query_params.multi_items() if key in KEPT]
        shown.set_cookie(rendering.LIST_COOKIE, urlencode(kept), samesite="strict", httponly=True)
    return shown


@router.get("/runs-table")
def show_table(request: Request) -> Response:
    """The table alone, for the script that keeps it up to date."""
    return rendering.fragment(request, "runs_live.html", **_values(request))


@router.get("/runs.csv")
def download_table(request: Request) -> Response:
    """The table that the same address shows as CSV, all of its pages."""
    table = read_table(library_of(request).summaries(), request.query_params)
    named = {"Content-Disposition": 'attachment; filename="runs.csv"', "Cache-Control": "no-store"}
    return Response(table.to_csv(), media_type="text/csv", headers=named)


def _values(request: Request, refused: Refusal | None = None) -> dict[str, Any]:
    library, query = library_of(request), request.query_params
    summaries = library.summaries()
    table = read_table(summaries, query)
    page, pages = read_page(query, len(table.rows), PAGE_SIZE)
    shown = table.rows[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
    # A form that was refused has its ticks in itself.
    ticked = list(dict.fromkeys((refused.typed.get("run") if refused else None) or query.getlist("run")))
    here = {run.name for row in shown for run in getattr(row, "runs", (row,))}
    known = {summary.name for summary in summaries}
    waiting, in_bin = jobs_of(request).waiting(), binned(library.runs_dir)
    return {
        "table": table,
        "rows": shown,
        "found": len(table.summaries),
        "total": len(summaries),
        "page": page,
        "pages": pages,
        "setting": SETTING,
        "states": [state for state in STATES if any(summary.state == state for summary in summaries)],
        "models": sorted({summary.model for summary in summaries if summary.model}),
        "datas": sorted({summary.data for summary in summaries if summary.data}),
        "tags": sorted({tag for summary in summaries for tag in summary.notes.tags}, key=str.casefold),
        "ticked": set(ticked),
        "ticked_elsewhere": [name for name in ticked if name in known - here],
        "waiting": [(job, jobs_of(request).log(job.name)) for job in waiting],
        "live": any(summary.state == "running" for summary in summaries) or bool(waiting),
        "runs_dir": library.runs_dir,
        "in_bin": len(in_bin),
        "undo": {entry: in_bin[entry][0] for entry in query.getlist("binned") if entry in in_bin},
        "first_training": _FIRST_TRAINING,
        "at": "/runs",
    }
