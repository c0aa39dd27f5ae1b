"""Models and explanations that are made up, and the whole app around them."""

import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
from fastapi import FastAPI

from cifarlab.datasets import load_data
from cifarlab.evaluation.explanation.neighbours import Neighbour
from cifarlab.evaluation.explanation.saliency import GRAD_CAM, SaliencyMap
from cifarlab.web.predictions.model_store import LoadedModel, ModelStore, UnknownModel
from cifarlab.web.predictions.service import InferenceService
from cifarlab.web.server.application import create_app
from cifarlab.web.server.listening import bind
from cifarlab.web.server.server import _Server, configure
from cifarlab.web.settings import Settings

CLASS_NAMES = ("dark", "middling", "bright", "red")


def brightness(images: np.ndarray) -> np.ndarray:
    """Logits by hand: the more of a colour, the more of its class."""
    level = images.reshape(len(images), -1).mean(axis=1) / 255
    red = images[..., 0].mean(axis=(1, 2)) / 255 - images[..., -1].mean(axis=(1, 2)) / 255
    columns = [4 * (1 - level), 4 * (1 - 2 * np.abs(level - 0.5)), 4 * level, 8 * red]
    return np.stack(columns, axis=1).astype(np.float32)


class FakeModelStore(ModelStore):
    """Two models that need no file: `builtin`, for colours, and `grey`."""

    def __init__(self, forward: Callable[[np.ndarray], np.ndarray] = brightness) -> None:
        super().__init__(Path("nowhere"))
        self.forward = forward
        self.loads: list[str] = []
        self.versions = {"builtin": 1, "grey": 1}

    def names(self) -> list[str]:
        return list(self.versions)

    def run(self, name: str) -> None:
        if name not in self.versions:
            raise UnknownModel(f"unknown model {name!r}: known: {', '.join(self.versions)}")

    def version(self, name: str) -> int:
        self.run(name)
        return self.versions[name]

    def load(self, name: str) -> LoadedModel:
        self.loads.append(name)
        shape = (32, 32, 1) if name == "grey" else (32, 32, 3)
        return LoadedModel(name, CLASS_NAMES, shape, lambda images: self.forward(images), "by hand")


class Gate:
    """A forward function that, once armed, waits until it is opened, and tells when it has been reached."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.opened = threading.Event()
        self.armed = False

    def __call__(self, images: np.ndarray) -> np.ndarray:
        if self.armed:
            self.reached.set()
            assert self.opened.wait(30)
        return brightness(images)


class FakeExplanations:
    """Looks at the upper half, and finds the first training images of digits, after being asked twice."""

    def __init__(self) -> None:
        self.questions = 0

    def attention(self, model: LoadedModel, picture: np.ndarray, labels: Sequence[int]) -> list[SaliencyMap]:
        heat = np.zeros(picture.shape[:2], np.float32)
        heat[:16] = np.linspace(1, 0, 16)[:, None]
        return [SaliencyMap(GRAD_CAM, label, heat, (4, 4)) for label in labels]

    def neighbours(self, model: LoadedModel, run, picture: np.ndarray, count: int) -> list[Neighbour] | None:
        self.questions += 1
        if self.questions == 1:
            return None
        train = load_data("digits").train
        return [Neighbour(str(train.ids[row]), row % 4, 1 - 0.01 * row, train.images[row]) for row in range(count)]


@contextmanager
def serving(
    settings: Settings, store: ModelStore | None = None, explanations: FakeExplanations | None = None
) -> Iterator[str]:
    """The whole app on a free port of this machine, in a thread; gives its address."""
    listener = bind("127.0.0.1", 0)
    settings = replace(settings, port=listener.getsockname()[1])
    app = create_app(settings)
    app.state.explanations = explanations or app.state.explanations
    if store is not None:
        app.state.inference = make_service(app, settings, store)
    started = threading.Event()
    server = _Server(configure(app, settings), started.set)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        assert started.wait(60)
        yield f"http://127.0.0.1:{settings.port}"
    finally:
        for job in app.state.jobs.all():
            job.process.kill()
            job.process.wait()
        server.should_exit = True
        thread.join(30)
        listener.close()


class Pace:
    """Sets the pace of one process of `made_up_training.py` at a time: it works only as far as a test lets it."""

    VARIABLE = "CIFARLAB_MADE_UP_PACE"  # where the process is told the port

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(60)
        self._process: socket.socket | None = None
        self.port = str(self._listener.getsockname()[1])

    def wait_for_work(self) -> None:
        """Until the process has done a piece of work, an epoch; it then stands still."""
        if self._process is None:
            self._process, _ = self._listener.accept()
            self._process.settimeout(60)
        assert self._process.recv(1) == b".", "the process has ended"

    def allow_more(self) -> None:
        """Let it do the next piece."""
        assert self._process is not None
        self._process.sendall(b".")

    def let_go(self) -> None:
        """Let it do all the rest on its own; the next process may come."""
        assert self._process is not None
        self._process.close()
        self._process = None

    def close(self) -> None:
        if self._process is not None:
            self._process.close()
        self._listener.close()


def make_service(app: FastAPI, settings: Settings, store: ModelStore) -> InferenceService:
    """The service of an app, with other models."""
    limits = settings.limits
    return InferenceService(
        store, app.state.metrics, queue_size=limits.queue_size, request_seconds=limits.request_seconds
    )
