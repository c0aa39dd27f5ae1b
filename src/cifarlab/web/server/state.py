"""What an app carries along for its routes, by type."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, cast

import anyio.to_thread
from fastapi import Depends, FastAPI, Request

from cifarlab.inference.onnx_files import open_file
from cifarlab.web.jobs import Jobs
from cifarlab.web.metrics import Metrics
from cifarlab.web.pages.library import Library
from cifarlab.web.pages.studies import StudyShelf
from cifarlab.web.predictions.explanations import Explanations
from cifarlab.web.predictions.model_store import ModelStore
from cifarlab.web.predictions.service import InferenceService
from cifarlab.web.server.security import protect
from cifarlab.web.settings import Settings


def attach(app: FastAPI, settings: Settings, store: ModelStore | None = None) -> None:
    """Give an app what its routes ask for, and put the middlewares around it.

    Args:
        app: Before it has answered its first request.
        settings: How it serves.
        store: The models; by default those of `settings.runs_dir`.
    """
    metrics, limits = Metrics(), settings.limits
    app.state.settings = settings
    app.state.metrics = metrics
    app.state.inference = InferenceService(
        store or ModelStore(settings.runs_dir, files={path.name: open_file(path) for path in settings.models}),
        metrics,
        queue_size=limits.queue_size,
        request_seconds=limits.request_seconds,
    )
    app.state.explanations = Explanations(lambda name: app.state.library.data_dir(name))
    protect(app, settings, metrics)


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[None]:
    """For an app's lifespan: at its end, everybody who was accepted is answered."""
    try:
        yield
    finally:
        await anyio.to_thread.run_sync(cast(InferenceService, app.state.inference).stop)


def library_of(request: Request) -> Library:
    """The runs and data sets."""
    return cast(Library, request.app.state.library)


def jobs_of(request: Request) -> Jobs:
    """The trainings and evaluations that were started from the app."""
    return cast(Jobs, request.app.state.jobs)


def studies_of(request: Request) -> StudyShelf:
    """The studies."""
    return cast(StudyShelf, request.app.state.studies)


def settings_of(request: Request) -> Settings:
    """How the app was started."""
    return cast(Settings, request.app.state.settings)


def inference_of(request: Request) -> InferenceService:
    """Who answers requests for predictions."""
    return cast(InferenceService, request.app.state.inference)


def metrics_of(request: Request) -> Metrics:
    """What is counted."""
    return cast(Metrics, request.app.state.metrics)


def explanations_of(request: Request) -> Explanations:
    """Who says why a model named what it named."""
    return cast(Explanations, request.app.state.explanations)


LibraryOf = Annotated[Library, Depends(library_of)]
"""For the signature of a route: the app's library."""
