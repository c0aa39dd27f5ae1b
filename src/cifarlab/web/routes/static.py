"""Style sheet and scripts, and the switch between light and dark."""

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import RedirectResponse, Response

from cifarlab.web.pages import rendering

router = APIRouter(include_in_schema=False)

TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
FOR_GOOD = "public, max-age=31536000, immutable"
_YEAR_SECONDS = 365 * 24 * 3600


@router.get("/static/{name}")
def serve_static(name: str, v: str = "") -> Response:
    """A file of ours; asked for with its checksum, it may be kept for good."""
    try:
        content = rendering.read_asset(name)
    except FileNotFoundError:
        raise HTTPException(404, f"there is no file {name}") from None
    kind = TYPES.get(name.rpartition(".")[2], "application/octet-stream")
    return Response(content, media_type=kind, headers={"Cache-Control": FOR_GOOD if v else "no-cache"})


@router.get("/theme")
def choose_theme(request: Request, to: str = "", back: str = "/") -> Response:
    """Remember light or dark, or that the system decides, and go back."""
    # Only to an address of this app: never to another host.
    safe = back if back.startswith("/") and not back.startswith(("//", "/\\")) else "/"
    response = RedirectResponse(safe, status_code=303)
    if to in rendering.THEMES:
        response.set_cookie(rendering.THEME_COOKIE, to, max_age=_YEAR_SECONDS, samesite="strict", httponly=True)
    else:
        response.delete_cookie(rendering.THEME_COOKIE)
    return response
