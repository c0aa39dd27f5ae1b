"""Arrays kept as `.npy` files, so that verified data loads fast the second time.

The cache is a convenience: where it cannot be written, or does not hold what it held when it was written, the data is
read from its sources again. It belongs to the user as the sources do; its checksum finds damage, not malice.
"""

import functools
import hashlib
import os
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from cifarlab.utils import files
from cifarlab.utils.arrays import Array, map_array
from cifarlab.utils.cache import cache_home
from cifarlab.utils.errors import CifarlabError

_FORMAT = 1
_INDEX = "index.json"


def cached_arrays(
    name: str, sources: Sequence[Path], expected: Mapping[str, str], read: Callable[[], dict[str, Array]]
) -> dict[str, Array]:
    """Arrays that `read` makes from `sources`, read again only if one of these has changed.

    Args:
        name: Begins the name of the folder in the cache.
        sources: The files that decide the result, known by path, size, and times of change.
        expected: Whatever else decides the result, such as the checksums that `read` verifies.
        read: Reads and verifies the sources.

    Returns:
        Arrays by name, memory-mapped and read-only where the cache could be used.

    Raises:
        CifarlabError: What `read` raises.
    """
    folder = cache_folder(name, "\n".join(str(path.resolve()) for path in sources))
    state = _state(sources, expected)
    if folder is None:
        return read()
    arrays = read_arrays(folder, state)
    if arrays is None:
        arrays = read()
        if write_arrays(folder, state, arrays):
            arrays = read_arrays(folder, state) or arrays
    return arrays


def cache_folder(name: str, key: str) -> Path | None:
    """Where arrays are kept that belong to `key`, any text; None if there is no place."""
    return cache_home(f"{name}-{hashlib.sha256(os.fsencode(key)).hexdigest()[:16]}")


def _state(sources: Sequence[Path], expected: Mapping[str, str]) -> dict[str, object]:
    """What the cached arrays depend on. `st_ctime_ns` changes even where a copy keeps the time of its original."""
    stats = [path.stat() for path in sources]
    rows = [[stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns] for stat in stats]
    return {"format": _FORMAT, "sources": rows, "expected": dict(expected)}


def read_arrays(folder: Path, state: Mapping[str, object]) -> dict[str, Array] | None:
    """The arrays kept in `folder`, memory-mapped; None unless they are whole and were written with this `state`."""
    try:
        index = files.read_json(folder / _INDEX)
        if index["state"] != state:
            return None
        paths = {name: folder / f"{name}.npy" for name in index["checksums"]}
        if any(_checksum(path) != index["checksums"][name] for name, path in paths.items()):
            return None
        return {name: map_array(path) for name, path in paths.items()}
    except (CifarlabError, OSError, ValueError, TypeError, KeyError):
        return None


def write_arrays(folder: Path, state: Mapping[str, object], arrays: Mapping[str, Array]) -> bool:
    """Keep arrays in `folder`, together with what they depend on; False if that cannot be done."""
    checksums = {}
    try:
        for name, array in arrays.items():
            path = files.write_atomically(folder / f"{name}.npy", functools.partial(np.save, arr=array))
            checksums[name] = _checksum(path)
        files.write_json(folder / _INDEX, {"state": state, "checksums": checksums})
    except (CifarlabError, OSError):
        return False
    return True


def _checksum(path: Path) -> int:
    """CRC-32, four times as fast here as any cryptographic checksum."""
    value = 0
    with path.open("rb") as file:
        while piece := file.read(2**20):
            value = zlib.crc32(piece, value)
    return value
