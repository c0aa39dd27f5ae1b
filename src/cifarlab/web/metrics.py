"""What the server counts, in the text form that Prometheus reads."""

import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cifarlab.web.middleware import HttpMiddleware

_BATCHES = (1, 2, 4, 8, 16, 32, 64)
_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
_METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")


class Metrics:
    """Counters of one app, in a registry of its own."""

    def __init__(self) -> None:
        registry = CollectorRegistry()
        self._registry = registry
        self.requests = Counter(
            "cifarlab_requests", "Requests answered.", ["method", "route", "status"], registry=registry
        )
        self.request_seconds = Histogram(
            "cifarlab_request_seconds", "From a request's head to its answer's end.", ["route"],
            buckets=_SECONDS, registry=registry,
        )  # fmt: skip
        self.pictures = Counter("cifarlab_pictures", "Pictures classified.", ["model"], registry=registry)
        self.batch_pictures = Histogram(
            "cifarlab_batch_pictures", "Pictures that were classified together.", ["model"],
            buckets=_BATCHES, registry=registry,
        )  # fmt: skip
        self.batch_seconds = Histogram(
            "cifarlab_batch_seconds", "What a batch took.", ["model"], buckets=_SECONDS, registry=registry
        )
        self.waiting = Gauge("cifarlab_waiting_pictures", "Pictures in the queue.", ["model"], registry=registry)
        self.in_memory = Gauge(
            "cifarlab_models_in_memory", "Models that answer at once, by what computes them.", ["model", "engine"],
            registry=registry,
        )  # fmt: skip
        self.refused = Counter("cifarlab_refused", "Requests refused because the queue was full.", registry=registry)

    def count_batch(self, model: str, pictures: int, seconds: float) -> None:
        """One batch was answered."""
        self.pictures.labels(model).inc(pictures)
        self.batch_pictures.labels(model).observe(pictures)
        self.batch_seconds.labels(model).observe(seconds)

    def render(self) -> bytes:
        """Everything counted so far, in Prometheus's text format."""
        return generate_latest(self._registry)


class RequestCounter(HttpMiddleware):
    """Counts requests by route and status, and how long they took."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        super().__init__(app)
        self._metrics = metrics

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on."""
        began, status = time.perf_counter(), 500

        async def noted(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            route = getattr(scope.get("route"), "path", "other")  # never the address itself: there are too many
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self._metrics.requests.labels(method, route, str(status)).inc()
            self._metrics.request_seconds.labels(route).observe(time.perf_counter() - began)
