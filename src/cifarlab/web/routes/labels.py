"""Marking labels: verdicts on images are taken here and kept at once, and the labels file can be downloaded."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from cifarlab.utils.errors import CifarlabError
from cifarlab.web.pages import rendering
from cifarlab.web.pages.marks import add_marks, list_current, marks_file, read_content, read_marks
from cifarlab.web.server.state import LibraryOf

router = APIRouter(include_in_schema=False)


async def read_form(request: Request) -> list[tuple[str, str]]:
    """Every field of the form, in its order; several may have one name."""
    return [(key, str(value)) for key, value in (await request.form()).multi_items()]


@router.post("/labels/{slug}")
def mark_labels(
    request: Request, library: LibraryOf, slug: str, typed: Annotated[list[tuple[str, str]], Depends(read_form)]
) -> Response:
    """Keep a verdict on the images of a form; a script is told what counts now, a browser goes back to its page."""
    fields = dict(typed)
    images = [value for key, value in typed if key == "image"]
    collection = library.collection(slug)
    back = fields.get("back", "")
    # Only to an address of this app: never to another host.
    safe = back if back.startswith("/") and not back.startswith(("//", "/\\")) else f"/data/{slug}?mark=1"
    try:
        verdict, new, before = (fields.get(key, "") for key in ("verdict", "new", "before"))
        marks, lines = add_marks(library, collection, images, verdict, new, before)
    except CifarlabError as error:
        if not rendering.wants_page(request):
            raise
        return rendering.page(request, "error.html", status=400, message=f"Not kept: {error}", back=safe)
    if "application/json" in request.headers.get("accept", ""):
        ids = [each.partition(":")[2] for each in images]
        told = {each: marks.words(each) for each in ids}
        counts = {"summary": marks.summary, "splits": marks.splits, "serve": marks.serve}
        return JSONResponse({"marks": told, **counts, "before": lines})
    return RedirectResponse(safe, status_code=303)  # it gives the focus to where the marking goes on


@router.get("/labels/{slug}")
def download_labels(library: LibraryOf, slug: str) -> Response:
    """The labels file as it is, whatever its state; where nothing has been marked, its header alone."""
    return _file(f"{slug}.csv", read_content(marks_file(library, library.collection(slug))))


@router.get("/labels/{slug}/current")
def download_current(library: LibraryOf, slug: str) -> Response:
    """The last mark of each image alone."""
    collection = library.collection(slug)
    return _file(f"{slug}-current.csv", list_current(read_marks(library, collection), collection))


def _file(name: str, content: bytes | str) -> Response:
    named = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(content, media_type="text/csv", headers=named)
