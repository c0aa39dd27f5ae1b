"""The whole app, with models that are made up."""

import html
import io
import re
import shutil
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image

from cifarlab.runs import create_run
from cifarlab.web.metrics import Metrics
from cifarlab.web.predictions.service import InferenceService
from cifarlab.web.settings import Limits, Settings


@pytest.fixture
def gate(fakes):
    made = fakes.Gate()
    yield made
    made.opened.set()


@pytest.fixture
def fake_store(fakes):
    return fakes.FakeModelStore()


@pytest.fixture
def gated_store(fakes, gate):
    return fakes.FakeModelStore(gate)


@pytest.fixture
def make_app(tmp_path, fakes, fake_store):
    """The whole app on an empty folder of runs and digits, with models that are made up."""
    from cifarlab.web.server.application import create_app

    def make(*, store=None, **chosen) -> FastAPI:
        settings = Settings(**{"runs_dir": tmp_path / "runs", "data": "digits", "limits": Limits(), **chosen})
        app = create_app(settings)
        app.state.inference = fakes.make_service(app, settings, store or fake_store)
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
def make_service(fake_store):
    """A service without an app, stopped at the end."""
    made = []

    def make(store=None, **chosen) -> InferenceService:
        options = {"queue_size": 64, "request_seconds": 10.0, **chosen}
        made.append(InferenceService(store or fake_store, Metrics(), **options))
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
def made_runs(tmp_path_factory, make_run):
    """Two evaluated runs, one evaluated on what it held out, and one that has just begun."""
    folder = tmp_path_factory.mktemp("pages") / "runs"
    make_run(folder, "first")
    make_run(folder, "second", skill=4.0, epochs=5)
    make_run(folder, "held-out", fraction=0.2)
    begun = create_run(folder, "begun")
    begun.set_state("running")
    return folder


@pytest.fixture(scope="module")
def pages(made_runs):
    """The app for all tests that only read."""
    from cifarlab.web.server.application import create_app

    app = create_app(Settings(runs_dir=made_runs, data="digits"))
    with TestClient(app, base_url="http://127.0.0.1:8000", headers={"accept": "text/html"}) as client:
        yield client


@pytest.fixture
def runs_dir(made_runs, tmp_path):
    """A copy of the runs for a test that changes them."""
    return shutil.copytree(made_runs, tmp_path / "runs")


@pytest.fixture
def own_pages(runs_dir, make_client):
    client = make_client(runs_dir=runs_dir)
    client.headers["accept"] = "text/html"
    return client


@pytest.fixture
def launched(monkeypatch):
    """What would have been started."""
    calls = []

    class Process:
        returncode = None
        pid = 1

        def __init__(self, command, **_):
            calls.append(command)

        def wait(self):
            return self.returncode

        def poll(self):
            return self.returncode

        def send_signal(self, number):
            calls.append(number)

    monkeypatch.setattr("cifarlab.web.jobs.subprocess.Popen", Process)
    return calls


@pytest.fixture(scope="session")
def links() -> Callable[..., Any]:
    """Addresses that a page links to, those with `inside` in them."""

    def find(text: str, inside: str = "") -> list[str]:
        addresses = re.findall(r'href="([^"]+)"', text)
        return [html.unescape(each) for each in addresses if inside in html.unescape(each)]

    return find


@pytest.fixture(scope="session")
def acts() -> Callable[[str], set[str]]:
    """What the page of the run `first` offers to do."""
    return lambda text: set(re.findall(r'action="/runs/first/(\w+)"', text))


@pytest.fixture(scope="session")
def text_of() -> Callable[..., Any]:
    """What a page says, without its tags."""

    def read(text: str) -> str:
        return " ".join(html.unescape(re.sub(r"<[^>]+>", "", text)).split())

    return read
