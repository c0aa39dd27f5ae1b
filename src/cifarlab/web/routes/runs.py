"""The table of all runs."""

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from cifarlab.web import rendering

router = APIRouter(include_in_schema=False)


@router.get("/")
def begin() -> Response:
    """The runs are where one begins."""
    return RedirectResponse("/runs", status_code=307)


@router.get("/runs")
def show_runs(request: Request) -> Response:
    """All runs."""
    return rendering.page(request, "runs.html", entries=request.app.state.library.entries())
