"""Where this user's machine keeps what can be made again at any time, and arrays that are kept there."""

import functools
import hashlib
import os
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from cifarlab.utils import files
from cifarlab.utils.array_files import map_array
from cifarlab.utils.arrays import Array
from cifarlab.utils.errors import CifarlabError

_INDEX = "index.json"


def cache_home(name: str) -> Path | None:
    """The folder of that name in `$XDG_CACHE_HOME/cifarlab` or `~/.cache/cifarlab`; None if there is no place.

    It belongs to the user as the program does; whoever reads there finds out damage by checksums.
    """
    asked = os.environ.get("XDG_CACHE_HOME", "")
    try:
        home = Path(asked) if Path(asked).is_absolute() else Path.home() / ".cache"
    except RuntimeError:  # there is no home
        return None
    return home / "cifarlab" / name


def cache_folder(name: str, key: str) -> Path | None:
    """Where arrays are kept that belong to `key`, any text; None if there is no place."""
    return cache_home(f"{name}-{hashlib.sha256(os.fsencode(key)).hexdigest()[:16]}")


def read_arrays(folder: Path, state: Mapping[str, object]) -> dict[str, Array] | None:
    """The arrays kept in `folder`, memory-mapped; None unless they are whole and were written with this `state`."""
    try:
        index = files.read_json(folder / _INDEX)
        if index["state"] != state:
            return None
        paths = {name: folder / f"{name}.npy" for name in index["checksums"]}
        # Mapped before they are checked: what another process puts in their place meanwhile has another checksum, and
        # what is mapped stays as it was.
        arrays = {name: map_array(path) for name, path in paths.items()}
        if any(_checksum(path) != index["checksums"][name] for name, path in paths.items()):
            return None
        return arrays
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
