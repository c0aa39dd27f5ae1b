"""What is done in the processes of `apart`: the run answers, a format is written, a file answers.

Plain values go in and come out; arrays travel in files. A step is called by its name.
"""

import time
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from cifarlab.exports.about import About
from cifarlab.exports.network import computes_in, exportable, in_float32
from cifarlab.exports.quantising import Quantising
from cifarlab.utils import discovery
from cifarlab.utils.json_reading import from_json

BATCHES = (1, 64)
"""Of how many pictures at once the time is measured."""
BATCH = 256
_LEAST_SECONDS, _LEAST_TIMES = 0.5, 5


def answer(*, run: str, pictures: str, to: str) -> dict[str, Any]:
    """What the run says of pictures, on Keras's backend, in float32.

    Args:
        run: Its folder, or `"builtin"`.
        pictures: A `.npy` file, `(N, H, W, C)` uint8.
        to: The `.npy` file to write, `(N, K)` float32 logits.

    Returns:
        `milliseconds`, for each of `BATCHES`; `precision`, what the run itself computes in, and where that is not
        float32 `renamed`, how many of the pictures it names otherwise then.
    """
    from cifarlab.inference.forward import apply_in_batches, compile_forward
    from cifarlab.inference.prediction import compute_logits

    model, images = _load(run), np.load(pictures)
    precision = computes_in(model)
    own = None if precision == "float32" else compute_logits(model, images, BATCH)
    forward = compile_forward(in_float32(model))
    logits = apply_in_batches(forward, images, BATCH)
    np.save(to, logits)
    renamed = 0 if own is None else int((own.argmax(axis=1) != logits.argmax(axis=1)).sum())
    return {"precision": precision, "renamed": renamed, "milliseconds": _time(forward, images)}


def write(*, run: str, form: str, place: str, about: Any, calibration: str | None) -> dict[str, Any]:
    """Write a run's network in a format.

    Args:
        run: Its folder, or `"builtin"`.
        form: The format's name.
        place: Where to.
        about: An `About` as plain data.
        calibration: A `.npy` file of training pictures, for a quantised network.
    """
    told = from_json(About, about)
    pictures = None if calibration is None else np.load(calibration)
    network = exportable(_load(run), told.temperature)
    discovery.load("exports.formats", form).write(network, Path(place), told, Quantising(told.quantised, pictures))
    return {}


def prove(*, form: str, place: str, pictures: str, to: str) -> dict[str, Any]:
    """What a file says of pictures, by its real runtime.

    Args:
        form: The format's name.
        place: The file or folder.
        pictures: A `.npy` file, `(N, H, W, C)` uint8.
        to: The `.npz` file to write: `logits` and `probabilities`, `(N, K)` float32.

    Returns:
        `milliseconds`, for each of `BATCHES`.
    """
    images = np.load(pictures)
    answers = discovery.load("exports.formats", form).open_answers(Path(place))
    # The last batch is shorter on purpose: a file that takes one number of pictures only is found out.
    given = [answers(images[start : start + BATCH]) for start in range(0, len(images), BATCH)]
    milliseconds = _time(answers, images)
    logits, probabilities = (np.concatenate(parts) for parts in zip(*given, strict=True))
    np.savez(to, logits=logits, probabilities=probabilities)
    return {"milliseconds": milliseconds}


@lru_cache(maxsize=1)
def _load(run: str) -> Any:
    """The `keras.Model`, once for all that is done with it in a row."""
    from cifarlab.inference.prediction import load_model

    return load_model(run)


def _time(forward: Any, images: Any) -> dict[str, float]:
    """Milliseconds for each of `BATCHES`, the median of at least `_LEAST_TIMES`."""
    found = {}
    for size in BATCHES:
        batch = np.resize(images, (size, *images.shape[1:]))
        forward(batch)  # what is compiled or reserved is not counted
        times: list[float] = []
        while len(times) < _LEAST_TIMES or sum(times) < _LEAST_SECONDS:
            began = time.perf_counter()
            forward(batch)
            times.append(time.perf_counter() - began)
        found[str(size)] = 1000 * float(np.median(times))
    return found
