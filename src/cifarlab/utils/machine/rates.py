"""What was measured of this machine, kept in the user's cache: once for each processor, backend and its version."""

import contextlib
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cifarlab.utils import files, locks
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.json_reading import from_json
from cifarlab.utils.machine.processor import read_processor, usable_cores

FORMAT = 1


@dataclass(frozen=True)
class Rates:
    """What one setting of the backend reached, by precision (`"float32"`, `"bfloat16"`).

    Attributes:
        variables: The environment that it was measured in, as far as it was set for that.
        matrix: Floating-point operations a second of a product of two square matrices.
        convolution: Images a second in training steps of a small convolutional network.
    """

    variables: Mapping[str, str]
    matrix: Mapping[str, float]
    convolution: Mapping[str, float]


def read_rates(versions: Mapping[str, str], backend: str) -> tuple[Rates, ...]:
    """What was measured before; nothing where nothing was, or it is of another processor or version."""
    path = _file(versions, backend)
    if path is None or not path.is_file():
        return ()
    try:
        found: tuple[Rates, ...] = from_json(tuple[Rates, ...], files.read_json(path))
    except (CifarlabError, ValueError):  # a cache: what is damaged is measured again
        return ()
    return found


def write_rates(rates: tuple[Rates, ...], versions: Mapping[str, str], backend: str) -> Path | None:
    """Keep them; None where the cache cannot be written, and they are measured again the next time."""
    path = _file(versions, backend)
    try:
        return None if path is None else files.write_json(path, rates)
    except CifarlabError:
        return None


@contextlib.contextmanager
def measuring(versions: Mapping[str, str], backend: str, seconds: float) -> Iterator[None]:
    """Nobody else on this machine measures inside; where the cache cannot be written, each for itself.

    Args:
        versions: Of keras and the backend.
        backend: What is measured.
        seconds: How long to wait for another process that measures.

    Raises:
        BusyError: If another process has not measured it in that time.
    """
    path = _file(versions, backend)
    with contextlib.ExitStack() as held:
        try:
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
                lock = path.with_suffix(".lock")
                held.enter_context(locks.hold(lock, "this machine is being measured", "wait for it", seconds))
        except locks.BusyError:
            raise
        except (CifarlabError, OSError):  # nothing is kept there either
            pass
        yield


def _file(versions: Mapping[str, str], backend: str) -> Path | None:
    processor = read_processor()
    ours = {name: version for name, version in versions.items() if name.removesuffix("-cpu") in (backend, "keras")}
    what: list[Any] = [FORMAT, processor.name, processor.features, usable_cores(), backend, ours]
    key = hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:16]
    from cifarlab.utils.cache import cache_home  # brings NumPy, which `--help` need not wait for

    return cache_home(f"machine-{backend}-{key}.json")
