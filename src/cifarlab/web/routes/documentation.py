"""`/docs`: the HTTP API, to read: its own description as a page."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from cifarlab.web.pages import rendering
from cifarlab.web.pages.api_page import describe_api

router = APIRouter(include_in_schema=False)


@router.get("/docs")
def show_api(request: Request) -> Response:
    """Every address, what it takes and what it answers."""
    description = request.app.openapi()
    return rendering.page(
        request,
        "api.html",
        about=description["info"]["description"],
        tags=describe_api(description),
        here=str(request.base_url).rstrip("/"),
    )
