"""The whole app, with models that are made up."""

import io
from collections.abc import Callable

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image

from cifarlab.web.inference import InferenceService
from cifarlab.web.metrics import Metrics
from cifarlab.web.settings import Limits, Settings


@pytest.fixture
def gate(fakes):
    made = fakes.Gate()
    yield made
    made.opened.set()


@pytest.fixture
def fake_shelf(fakes):
    return fakes.FakeShelf()


@pytest.fixture
def gated_shelf(fakes, gate):
    return fakes.FakeShelf(gate)


@pytest.fixture
def make_app(tmp_path, fakes, fake_shelf):
    """The whole app on an empty folder of runs and digits, with models that are made up."""
    from cifarlab.web.application import create_app

    def make(*, shelf=None, **chosen) -> FastAPI:
        settings = Settings(**{"runs_dir": tmp_path / "runs", "data": "digits", "limits": Limits(), **chosen})
        app = create_app(settings)
        app.state.inference = fakes.make_service(app, settings, shelf or fake_shelf)
        return app

    return make


@pytest.fixture
def make_client(make_app):
    """Talks to the app as a program on this machine does."""
    opened = []

    def make(*, app: FastAPI | None = None, **chosen) -> TestClient:
        client = TestClient(app or make_app(**chosen), base_url="http://127.0.0.1:8000")
        client.__enter__()
        opened.append(client)
        return client

    yield make
    for client in opened:
        client.__exit__(None, None, None)


@pytest.fixture
def client(make_client) -> TestClient:
    return make_client()


@pytest.fixture
def make_service(fake_shelf):
    """A service without an app, stopped at the end."""
    made = []

    def make(shelf=None, **chosen) -> InferenceService:
        options = {"queue_size": 64, "request_seconds": 10.0, **chosen}
        made.append(InferenceService(shelf or fake_shelf, Metrics(), **options))
        return made[-1]

    yield make
    for service in made:
        service.stop()


@pytest.fixture(scope="session")
def encode() -> Callable[..., bytes]:
    """Encodes a picture, or an array, in a format."""

    def encode(picture: Image.Image | np.ndarray, kind: str = "png", **options) -> bytes:
        image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
        file = io.BytesIO()
        image.save(file, kind, **options)
        return file.getvalue()

    return encode
