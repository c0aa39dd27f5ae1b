"""ONNX files that `cifarlab export` wrote, as models: they bring their class names, picture size and temperature."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np

from cifarlab.inference.onnx_session import OnnxNetwork, is_installed, open_session
from cifarlab.utils.arrays import Array
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.images import Pixels
from cifarlab.utils.machine.processor import usable_cores

KEY = "cifarlab"
"""Under which a model's `metadata_props` hold what was said of it, as JSON."""
SUFFIX = ".onnx"
PIXELS, LOGITS, PROBABILITIES = "pixels", "logits", "probabilities"
"""What input and outputs of an exported network are called."""


@dataclass(frozen=True, eq=False)
class OnnxFile:
    """An exported network in onnxruntime.

    Attributes:
        network: Shapes, and pixels to logits.
        answer: `(N, H, W, C)` uint8 to logits and probabilities, `(N, K)` float32 each.
        class_names: In the order of the logits.
        image_shape: Height, width and channels.
        temperature: Of the probabilities.
        about: All that was said of it.
    """

    network: OnnxNetwork
    answer: Callable[[Pixels], tuple[Array, Array]]
    class_names: tuple[str, ...]
    image_shape: tuple[int, int, int]
    temperature: float
    about: dict[str, Any]

    @property
    def data_name(self) -> str:
        """What the network was trained on, as the file says; empty where it does not."""
        data = self.about.get("data")
        name = data.get("name") if isinstance(data, dict) else None
        return name if isinstance(name, str) else ""

    @property
    def accuracy(self) -> float | None:
        """On the test images, as the file says; None where it does not."""
        accuracy = self.about.get("accuracy")
        value = accuracy.get("value") if isinstance(accuracy, dict) else None
        return value if isinstance(value, float) and 0 <= value <= 1 else None


def is_file(model: object) -> TypeGuard[str | Path]:
    """Whether a model is named by a file's name that ends in `.onnx`, and not by a run's folder."""
    return isinstance(model, str | Path) and Path(model).suffix == SUFFIX and not Path(model).is_dir()


def open_file(path: str | Path) -> OnnxFile:
    """Open an exported network; nothing in the file is executed as code.

    Raises:
        CifarlabError: If there is no such file, it is damaged, or `cifarlab export` did not write it.
    """
    try:
        stat = Path(path).stat()
    except OSError as error:
        raise CifarlabError(f"cannot read {path}: {error.strerror or error}; give a file of cifarlab export") from error
    return _open(Path(path), stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=1)
def _open(path: Path, changed: int, size: int) -> OnnxFile:
    """The file as it is now: another time or size is another key."""
    if not is_installed():
        raise CifarlabError("onnxruntime is not installed: pip install onnxruntime")
    try:
        session = open_session(path.read_bytes(), usable_cores())
    except OSError as error:
        raise CifarlabError(f"cannot read {path}: {error.strerror or error}; give a file of cifarlab export") from error
    except Exception as error:  # onnxruntime has a kind of its own for each thing that can be wrong
        raise CifarlabError(f"{path} is damaged, or no ONNX model: export it again") from error
    names = [each.name for each in (*session.get_inputs(), *session.get_outputs())]
    if sorted(names) != sorted((PIXELS, LOGITS, PROBABILITIES)):
        raise CifarlabError(f"{path} is no file of cifarlab export: its inputs and outputs are {', '.join(names)}")
    about, class_names, image_shape, temperature = _read_about(path, session.get_modelmeta().custom_metadata_map)

    ends = [(session.get_inputs()[0], image_shape), *((each, (len(class_names),)) for each in session.get_outputs())]
    if any(not _has_shape(end.shape, shape) for end, shape in ends):
        raise CifarlabError(f"{path} is damaged (its classes or image shape are not its network's): export it again")

    def answer(images: Pixels) -> tuple[Array, Array]:
        logits, probabilities = session.run([LOGITS, PROBABILITIES], {PIXELS: images})
        return logits, probabilities

    shapes = (None, *image_shape), (None, len(class_names))
    network = OnnxNetwork(*shapes, lambda images: np.asarray(session.run([LOGITS], {PIXELS: images})[0]))
    return OnnxFile(network, answer, class_names, image_shape, temperature, about)


def _has_shape(found: Sequence[object], expected: Sequence[int]) -> bool:
    """Whether a tensor has this shape behind its first axis, as far as the file says numbers."""
    sizes = found[1:]
    known = [(size, wanted) for size, wanted in zip(sizes, expected, strict=False) if isinstance(size, int)]
    return len(sizes) == len(expected) and all(size == wanted for size, wanted in known)


def _read_about(path: Path, stored: dict[str, str]) -> tuple[dict[str, Any], tuple[str, ...], Any, float]:
    """What the file says of itself, checked as far as answers depend on it."""
    try:
        about = json.loads(stored[KEY])
        names = tuple(str(name) for name in about["class_names"])
        height, width, channels = map(int, about["image_shape"])
        temperature = float(about["temperature"])
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise CifarlabError(f"{path} does not say which classes it names: export it again") from error
    if not names or not 0 < temperature < float("inf"):
        raise CifarlabError(f"{path} is damaged (its class names or temperature): export it again")
    return about, names, (height, width, channels), temperature
