"""An app whose models are made up: a brightness meter in place of a network."""

import importlib.util
import io
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image

from cifarlab.web.inference import InferenceService
from cifarlab.web.metrics import Metrics
from cifarlab.web.serving import Served, Shelf
from cifarlab.web.settings import Limits, Settings

CLASS_NAMES = ("dark", "middling", "bright", "red")


def brightness(images: np.ndarray) -> np.ndarray:
    """Logits by hand: the more of a colour, the more of its class."""
    level = images.reshape(len(images), -1).mean(axis=1) / 255
    red = images[..., 0].mean(axis=(1, 2)) / 255 - images[..., -1].mean(axis=(1, 2)) / 255
    columns = [4 * (1 - level), 4 * (1 - 2 * np.abs(level - 0.5)), 4 * level, 8 * red]
    return np.stack(columns, axis=1).astype(np.float32)


class FakeShelf(Shelf):
    """Two models that need no file: `builtin`, for colours, and `grey`."""

    def __init__(self, forward: Callable[[np.ndarray], np.ndarray] = brightness) -> None:
        super().__init__(Path("nowhere"))
        self.forward = forward
        self.loads: list[str] = []
        self.versions = {"builtin": 1, "grey": 1}

    def names(self) -> list[str]:
        return list(self.versions)

    def run(self, name):
        if name not in self.versions:
            from cifarlab.web.serving import UnknownModel

            raise UnknownModel(f"unknown model {name!r}: known: {', '.join(self.versions)}")

    def version(self, name: str) -> int:
        self.run(name)
        return self.versions[name]

    def load(self, name: str) -> Served:
        self.loads.append(name)
        shape = (32, 32, 1) if name == "grey" else (32, 32, 3)
        return Served(name, CLASS_NAMES, shape, lambda images: self.forward(images))


class Gate:
    """A forward function that waits until it is opened, and tells when it has been reached."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.opened = threading.Event()
        self.armed = False

    def __call__(self, images: np.ndarray) -> np.ndarray:
        if self.armed:
            self.reached.set()
            assert self.opened.wait(30)
        return brightness(images)


@pytest.fixture
def gate():
    made = Gate()
    yield made
    made.opened.set()


@pytest.fixture
def fake_shelf() -> FakeShelf:
    return FakeShelf()


@pytest.fixture
def gated_shelf(gate) -> FakeShelf:
    return FakeShelf(gate)


@pytest.fixture
def make_app(tmp_path, fake_shelf):
    """The whole app on an empty folder of runs and digits, with models that are made up."""
    from cifarlab.web.application import create_app

    def make(*, shelf: Shelf | None = None, limits: Limits | None = None, **settings) -> FastAPI:
        values = {"runs_dir": tmp_path / "runs", "data": "digits", "limits": limits or Limits(), **settings}
        chosen = Settings(**values)
        app = create_app(chosen)
        app.state.inference = InferenceService(
            shelf or fake_shelf,
            app.state.metrics,
            queue_size=chosen.limits.queue_size,
            request_seconds=chosen.limits.request_seconds,
        )
        return app

    return make


@pytest.fixture
def make_client(make_app):
    """Talks to the app as a program on this machine does."""
    opened = []

    def make(*, app: FastAPI | None = None, raises: bool = True, **settings) -> TestClient:
        client = TestClient(
            app or make_app(**settings), base_url="http://127.0.0.1:8000", raise_server_exceptions=raises
        )
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

    def make(shelf: Shelf | None = None, **options) -> InferenceService:
        options = {"queue_size": 64, "request_seconds": 10.0, **options}
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


@pytest.fixture(scope="session")
def fake_run() -> ModuleType:
    """`reports/fake_run.py`: `make_run` and `write_model` without Keras."""
    spec = importlib.util.spec_from_file_location("fake_run", Path(__file__).parents[1] / "reports" / "fake_run.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
