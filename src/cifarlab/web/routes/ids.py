"""The ids of a gallery's images as CSV: of all that its filter leaves, and, by POST, of those that were selected."""

import re
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from cifarlab.utils.errors import CifarlabError
from cifarlab.web.pages.gallery import choose_split
from cifarlab.web.pages.id_tables import list_images, list_predictions
from cifarlab.web.pages.run_summaries import say_unevaluated
from cifarlab.web.server.state import LibraryOf

router = APIRouter(include_in_schema=False)


async def read_selected(request: Request) -> list[str] | None:
    """Ids of the selected pictures of a form; None where all are asked for."""
    if request.method != "POST":
        return None
    return [str(each).partition(":")[2] for each in (await request.form()).getlist("image")]


Selected = Annotated[list[str] | None, Depends(read_selected)]


@router.get("/ids/data/{slug}")
@router.post("/ids/data/{slug}")
def list_data(request: Request, library: LibraryOf, slug: str, selected: Selected) -> Response:
    """Images of a data set."""
    collection = library.collection(slug)
    split = choose_split(collection, request.query_params)
    return _file(f"{slug}-{split}", list_images(library, collection, split, request.query_params, selected))


@router.get("/ids/runs/{name}")
@router.post("/ids/runs/{name}")
def list_run(request: Request, library: LibraryOf, name: str, selected: Selected) -> Response:
    """Predictions of a run."""
    summary = library.summary(name)
    split = request.query_params.get("split") or next(iter(summary.evaluated), "test")
    if split not in summary.evaluated:
        raise CifarlabError(say_unevaluated([summary], split))
    return _file(f"{name}-{split}", list_predictions(library, summary, split, request.query_params, selected))


def _file(name: str, content: str) -> Response:
    # A folder's name may hold what a header may not.
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name)
    headers = {"Content-Disposition": f'attachment; filename="{plain}-ids.csv"', "Cache-Control": "no-store"}
    return Response(content, media_type="text/csv", headers=headers)
