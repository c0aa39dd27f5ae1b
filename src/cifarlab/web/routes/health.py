"""`/healthz`, `/readyz`, `/metrics`: whether the server lives, whether it can answer, and what it has done."""

from typing import Literal

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel

from cifarlab.web.server.state import inference_of, metrics_of

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """The server's own state."""

    status: Literal["ok", "loading", "stopping"]


@router.get("/healthz", summary="Whether the server lives")
async def healthz() -> Health:
    """Always ok: a server that does not live does not answer."""
    return Health(status="ok")


@router.get(
    "/readyz",
    summary="Whether the server can classify",
    responses={503: {"model": Health, "description": "Not yet, or not any more"}},
)
async def readyz(request: Request, response: Response) -> Health:
    """503 while the first model is being loaded and while the server stops; then send it no requests."""
    service = inference_of(request)
    if service.is_stopping:
        response.status_code = 503
        return Health(status="stopping")
    if not service.is_ready:
        response.status_code = 503
        return Health(status="loading")
    return Health(status="ok")


@router.get("/metrics", summary="Counters for Prometheus", response_class=Response)
async def metrics(request: Request) -> Response:
    """Requests, refusals, queue, batches and times, in Prometheus's text format."""
    return Response(metrics_of(request).render(), headers={"Content-Type": CONTENT_TYPE_LATEST})
