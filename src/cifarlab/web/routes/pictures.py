"""The pictures themselves, alone or many on a sheet, in files that browsers may keep for good."""

from fastapi import APIRouter, HTTPException
from fastapi.responses import Response

from cifarlab.web.pages.sheets import draw_sheet
from cifarlab.web.routes.static import FOR_GOOD
from cifarlab.web.server.state import LibraryOf

router = APIRouter(include_in_schema=False)

_OWN_FOR_GOOD = FOR_GOOD.replace("public", "private")


@router.get("/pictures/{slug}/{version}/{image_id:path}")
def serve_picture(library: LibraryOf, slug: str, version: str, image_id: str) -> Response:
    """One image of a data set; an address of another version of the data is answered, but not kept."""
    collection = library.collection(slug)
    picture = collection.picture(image_id)
    if picture is None:
        raise HTTPException(404, f"{collection.name} has no image {image_id!r}")
    kept = _OWN_FOR_GOOD if version == collection.version else "no-cache"
    return Response(picture, media_type="image/png", headers={"Cache-Control": kept})


@router.get("/sheets/{slug}/{version}/{code}")
def serve_sheet(library: LibraryOf, slug: str, version: str, code: str) -> Response:
    """Up to a hundred images of a data set; of another version of the data the numbers may mean others."""
    collection = library.collection(slug)
    sheet = draw_sheet(collection, code) if version == collection.version else None
    if sheet is None:
        raise HTTPException(404, f"{collection.name} has no such sheet of pictures: load the page again")
    return Response(sheet, media_type="image/webp", headers={"Cache-Control": _OWN_FOR_GOOD})
