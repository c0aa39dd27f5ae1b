"""Arrays kept as `.npy` files, so that verified data loads fast the second time.

The cache is a convenience: where it cannot be written, or does not hold what it held when it was written, the data is
read from its sources again. It belongs to the user as the sources do; its checksum finds damage, not malice.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from cifarlab.utils.arrays import Array
from cifarlab.utils.cache import cache_folder, read_arrays, write_arrays

_FORMAT = 1


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


def _state(sources: Sequence[Path], expected: Mapping[str, str]) -> dict[str, object]:
    """What the cached arrays depend on. `st_ctime_ns` changes even where a copy keeps the time of its original."""
    stats = [path.stat() for path in sources]
    rows = [[stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns] for stat in stats]
    return {"format": _FORMAT, "sources": rows, "expected": dict(expected)}
