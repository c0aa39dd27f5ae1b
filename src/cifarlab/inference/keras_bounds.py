"""What a `.keras` file may cost: measured by its directory, its configuration and the shapes of its weights.

Keras builds a network from `config.json` and only then looks whether the weights fit. So a file of some kilobytes could
name a layer of gigabytes. Here the weights in the file are counted first, and a network that asks for more is stopped
at the layer that does.
"""

import math
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cifarlab.utils import limits
from cifarlab.utils.array_files import open_archive, read_member
from cifarlab.utils.json_text import parse_json

CONFIG, WEIGHTS = "config.json", "model.weights.h5"
MOST_LAYERS = 2_000  # the largest of Keras's own networks has 1,100
_SPARE = 16 * 2**20  # bytes of variables that no file holds, such as the states of random layers
_WIDER = 4  # bytes in memory for each in the file, where weights are kept in fewer bits
_BUILDING = threading.RLock()
"""Held while Keras's variables are counted: the counter is put into a class that all threads share."""


def read_config(path: Path) -> Any:
    """The configuration in a `.keras` file, as plain JSON.

    Raises:
        TooLargeError: If the file announces more than `limits` allow.
        One of BROKEN_ARCHIVE: If it is no such file, or damaged.
    """
    with open_archive(path) as archive:
        return parse_json(read_member(archive, CONFIG), path)


def measure_weights(path: Path) -> int:
    """Bytes that the weights in a `.keras` file take, by the shapes that it announces; none is read.

    Raises:
        TooLargeError: If they are more than `limits` allow.
        One of BROKEN_ARCHIVE: If it is no such file, or damaged, or its weights lie in other files.
    """
    with open_archive(path) as archive, open_weights(archive) as weights:
        total = sum(int(math.prod(dataset.shape) * dataset.dtype.itemsize) for dataset in _datasets(weights))
    limits.check_bytes(path, total, path.stat().st_size)
    return total


@contextmanager
def open_weights(archive: zipfile.ZipFile) -> Iterator[Any]:
    """The weights in an archive as an `h5py.File`; nothing is unpacked but what is asked for.

    Raises:
        One of BROKEN_ARCHIVE: If there are none, or they are damaged.
    """
    import h5py  # which `predict` does without where onnxruntime answers

    with archive.open(WEIGHTS) as member:
        try:
            with h5py.File(member, "r") as weights:
                yield weights
        except (RuntimeError, NotImplementedError) as error:  # the HDF5 library's own
            raise ValueError(f"its weights are damaged ({error})") from error


def check_layers(config: Any) -> None:
    """Refuse a configuration of so many layers that building them would take minutes.

    Raises:
        ValueError: If it has more than `MOST_LAYERS`.
    """
    waiting, layers = [config], 0
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            layers += isinstance(each.get("layers"), list) and len(each["layers"])
            waiting.extend(each.values())
        elif isinstance(each, list):
            waiting.extend(each)
    if layers > MOST_LAYERS:
        raise ValueError(f"it has {layers:,} layers, and more than {MOST_LAYERS:,} take too long to build")


@contextmanager
def bounded_variables(stored: int) -> Iterator[None]:
    """Inside, Keras makes no more variables than the file has weights for.

    Args:
        stored: Bytes of its weights.

    Raises:
        ValueError: From the layer that asks for more.
    """
    import keras

    left, thread = stored * _WIDER + _SPARE, threading.get_ident()
    before = keras.Variable._initialize_with_initializer

    def count(variable: Any, initializer: Any) -> None:
        nonlocal left
        if threading.get_ident() == thread:  # whatever others build meanwhile is theirs
            left -= math.prod(variable.shape) * 4
        if left < 0:
            raise ValueError(
                f"its configuration asks for a variable of shape {tuple(variable.shape)}, and its weights take "
                f"{stored:,} bytes in all: they do not belong together"
            )
        before(variable, initializer)

    with _BUILDING:
        keras.Variable._initialize_with_initializer = count
        try:
            yield
        finally:
            keras.Variable._initialize_with_initializer = before


def _datasets(group: Any) -> Iterator[Any]:
    """Every array in an HDF5 file; what lies in other files, or is made up of others, is refused."""
    import h5py

    for name in group:
        link = group.get(name, getlink=True)
        if not isinstance(link, h5py.HardLink):
            raise ValueError(f"{name!r} in its weights points elsewhere")
        item = group[name]
        if isinstance(item, h5py.Group):
            yield from _datasets(item)
        elif isinstance(item, h5py.Dataset):
            if item.external or item.is_virtual:
                raise ValueError(f"{name!r} in its weights lies in another file")
            yield item
