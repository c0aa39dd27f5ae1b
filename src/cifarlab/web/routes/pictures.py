"""The pictures themselves, small PNG files that browsers may keep for good."""

from fastapi import APIRouter, HTTPException
from fastapi.responses import Response

from cifarlab.web.routes.static import FOR_GOOD
from cifarlab.web.server.state import LibraryOf

router = APIRouter(include_in_schema=False)


@router.get("/pictures/{slug}/{version}/{image_id:path}")
def serve_picture(library: LibraryOf, slug: str, version: str, image_id: str) -> Response:
    """One image of a data set; an address of another version of the data is answered, but not kept."""
    collection = library.collection(slug)
    picture = collection.picture(image_id)
    if picture is None:
        raise HTTPException(404, f"{collection.name} has no image {image_id!r}")
    kept = FOR_GOOD.replace("public", "private") if version == collection.version else "no-cache"
    return Response(picture, media_type="image/png", headers={"Cache-Control": kept})
