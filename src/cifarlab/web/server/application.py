"""The application: every route file, the pages' errors, static files, and what must live as long as the server."""

import importlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.exception_handlers import request_validation_exception_handler
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

import cifarlab
from cifarlab.utils import discovery, own_code
from cifarlab.utils.errors import CifarlabError
from cifarlab.web.jobs import Jobs
from cifarlab.web.pages import rendering
from cifarlab.web.pages.library import Library
from cifarlab.web.pages.studies import StudyShelf
from cifarlab.web.server.head_requests import HeadAsGet
from cifarlab.web.server.state import attach, serving
from cifarlab.web.settings import Settings

DESCRIPTION = "Classify pictures with the models of this machine, and read the scores of its runs."


def create_app(settings: Settings) -> FastAPI:
    """The whole app.

    Returns:
        An ASGI application; `app.state` holds `settings`, `library`, `jobs` and `studies` for the routes.
    """
    own_code.allow_files(settings.code)
    own_code.allow(settings.data)
    app = FastAPI(
        title="cifarlab",
        version=cifarlab.__version__,
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
    )
    app.add_middleware(HeadAsGet)  # the innermost: the others are asked about HEAD itself
    attach(app, settings)
    app.state.library = Library(settings)
    app.state.jobs = Jobs(settings)
    app.state.studies = StudyShelf(settings, app.state.library)
    # Routes are tried in their order: the one that is asked hundreds of times a second comes first.
    for name in sorted(discovery.names("web.routes"), key=lambda name: name != "predictions"):
        module = importlib.import_module(f"cifarlab.web.routes.{name}")
        app.include_router(module.router)
    app.add_exception_handler(CifarlabError, _show_bad_input)
    app.add_exception_handler(HTTPException, _show_http_error)
    app.add_exception_handler(RequestValidationError, _show_wrong_request)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Warm up beside the first visitors; trainings that were started go on when the server ends."""
    app.state.library.warm_up()
    async with serving(app):
        yield


async def _show_bad_input(request: Request, error: Exception) -> Response:
    return _show(request, 400, str(error))


async def _show_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    shown = _show(request, error.status_code, str(error.detail))
    shown.headers.update(error.headers or {})
    return shown


async def _show_wrong_request(request: Request, error: Exception) -> Response:
    """A part of an address or a form that is of the wrong kind."""
    assert isinstance(error, RequestValidationError)
    if not rendering.wants_page(request):
        return await request_validation_exception_handler(request, error)
    told = (_say_wrong(str(each["loc"][-1]), each["type"], each["msg"], each.get("input")) for each in error.errors())
    return _show(request, 422, "; ".join(told))


def _say_wrong(name: str, kind: str, message: str, received: object) -> str:
    """One part, in our words where it is of a kind that the app's own addresses and forms can have."""
    if kind == "missing":
        return f"{name} is missing"
    expected = {"int_parsing": "a whole number", "float_parsing": "a number", "string_type": "text"}.get(kind)
    said = f"must be {expected}" if expected else f"is wrong: {message[:1].lower()}{message[1:]}"
    return f"{name} {said}. Received: {str(received)[:100]!r}"


def _show(request: Request, status: int, message: str) -> Response:
    """A page for people, JSON for programs."""
    if not rendering.wants_page(request):
        return JSONResponse({"detail": message}, status_code=status)
    return rendering.page(request, "error.html", status=status, message=message)
