"""Models that are made up: a brightness meter in place of a network."""

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np

from cifarlab.web.serving import Served, Shelf, UnknownModel

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

    def run(self, name: str) -> None:
        if name not in self.versions:
            raise UnknownModel(f"unknown model {name!r}: known: {', '.join(self.versions)}")

    def version(self, name: str) -> int:
        self.run(name)
        return self.versions[name]

    def load(self, name: str) -> Served:
        self.loads.append(name)
        shape = (32, 32, 1) if name == "grey" else (32, 32, 3)
        return Served(name, CLASS_NAMES, shape, lambda images: self.forward(images))


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
