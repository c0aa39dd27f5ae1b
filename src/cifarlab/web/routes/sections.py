"""Sections alone, for the script that puts them into a page once they are drawn."""

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response

from cifarlab.utils.errors import CifarlabError
from cifarlab.web.pages import rendering
from cifarlab.web.pages.sections import NAMES, UNMEASURED, build_section
from cifarlab.web.server.state import LibraryOf

router = APIRouter(include_in_schema=False)


@router.get("/sections/{name}")
def serve_section(request: Request, library: LibraryOf, name: str, split: str = "") -> Response:
    """One section of the report about the runs that are named; 204 where it has nothing to say."""
    if name not in NAMES:
        raise HTTPException(404, f"there is no section {name!r}")
    summaries = [library.summary(run) for run in dict.fromkeys(request.query_params.getlist("run"))]
    if not summaries:
        raise CifarlabError("a section is about one run or several: name them as run=NAME")
    unasked = [summary.name for summary in summaries if name not in UNMEASURED and split not in summary.evaluated]
    if unasked:
        raise CifarlabError(f"{', '.join(unasked)} not evaluated on {split or 'any split'}")
    html = build_section(library, summaries, split, name)
    if html is None:
        return Response(status_code=204)
    return rendering.fragment(request, "section.html", html=html)
