"""What came of reading a folder's pictures, kept so that only new and changed files are read the next time."""

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import PIL
from numpy.typing import DTypeLike

from cifarlab.utils.arrays import Array
from cifarlab.utils.cache import cache_folder, read_arrays, write_arrays
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.images import READER, Picture, read_each, say_unreadable
from cifarlab.utils.progress import ProgressCallback

_SIZE_PIXELS = 32
# What is read sooner than a question to the cache is not kept: nothing is left behind of a handful of pictures.
_FEWEST, _FEWEST_BYTES = 200, 4 * 2**20
# A file that changed just before it was read may change once more within the same tick of its file system's clock.
_TICK_NANOSECONDS = 2_000_000_000


def read_folder(
    root: Path, paths: Sequence[Path], progress: ProgressCallback | None = None, size_pixels: int = _SIZE_PIXELS
) -> dict[str, Array]:
    """Read pictures, those that have not changed since they were last read from the cache.

    A file is the same if its path, size, and times of change are; the reader's and Pillow's versions count as well.

    Args:
        root: The folder or table that they are of: one place in the cache for each, and for each size.
        paths: N picture files.
        progress: Called with a phrase and the share done in `[0, 1]`.
        size_pixels: S, the side that they are fitted to.

    Returns:
        `images` `(N, S, S, 3)` uint8 and, each `(N,)`: `widths` and `heights` of the files in pixels, `modes` and
        `formats` as Pillow names them, `animated`, `contents` (checksums of the files' bytes); in the order of `paths`.

    Raises:
        CifarlabError: If pictures cannot be read; all of them are named.
    """
    stamps = np.array([_stamp(path) for path in paths], np.int64).reshape(-1, 3)
    names = np.array([str(path) for path in paths])
    large = len(paths) >= _FEWEST or int(stamps[:, 0].sum()) >= _FEWEST_BYTES
    key = str(root.resolve()) + ("" if size_pixels == _SIZE_PIXELS else f"\n{size_pixels}")
    place = cache_folder("folder", key) if large else None
    state = {"format": 1, "reader": READER, "pillow": PIL.__version__}
    kept = (read_arrays(place, state) if place else None) or {}
    rows = _rows_kept(kept, names, stamps)  # (N,) int: where each picture stands in `kept`, or -1
    fresh = np.flatnonzero(rows < 0)
    table = _take(kept, rows, size_pixels)

    def keep(index: int, picture: Picture) -> None:
        _fill(table, fresh[index], picture)
        rows[fresh[index]] = 0

    errors = read_each([paths[row] for row in fresh.tolist()], keep, size_pixels, progress)
    if progress and not len(fresh):
        progress("reading pictures", 1.0)
    if place and len(fresh):
        columns = {**table, "paths": names, "stamps": stamps}
        write_arrays(place, state, {name: column[rows >= 0] for name, column in columns.items()})
    if errors:
        raise CifarlabError(say_unreadable(errors, len(paths)))
    return table


_COLUMNS: dict[str, DTypeLike] = {
    "widths": np.int64, "heights": np.int64, "modes": "U16", "formats": "U16", "animated": np.bool_, "contents": "U32",
}  # fmt: skip


def _fill(table: dict[str, Array], row: int, picture: Picture) -> None:
    table["images"][row] = picture.pixels
    values = (picture.width, picture.height, picture.mode, picture.format, picture.animated, picture.content)
    for column, value in zip(_COLUMNS, values, strict=True):
        table[column][row] = value


def _stamp(path: Path) -> tuple[int, int, int]:
    """Size and times of change; a time of -1, which no file has, where the file has only just changed."""
    try:
        about = path.stat()
    except OSError:  # said when it is read
        return 0, -1, -1
    if time.time_ns() - max(about.st_mtime_ns, about.st_ctime_ns) < _TICK_NANOSECONDS:
        return about.st_size, -1, -1
    return about.st_size, about.st_mtime_ns, about.st_ctime_ns


def _rows_kept(kept: dict[str, Array], names: Array, stamps: Array) -> Array:
    where = {name: row for row, name in enumerate(kept["paths"].tolist())} if kept else {}
    rows = np.array([where.get(name, -1) for name in names.tolist()], np.int64)
    found = np.flatnonzero(rows >= 0)
    same = (
        (kept["stamps"][rows[found]] == stamps[found]).all(axis=1) & (stamps[found, 1] != -1) if len(found) else found
    )
    rows[found[~same.astype(bool)]] = -1
    return rows


def _take(kept: dict[str, Array], rows: Array, size_pixels: int) -> dict[str, Array]:
    """New arrays of N rows with those that were kept, zeros elsewhere."""
    table: dict[str, Array] = {name: np.zeros(len(rows), kind) for name, kind in _COLUMNS.items()}
    table["images"] = np.zeros((len(rows), size_pixels, size_pixels, 3), np.uint8)
    there = rows >= 0
    for name, column in table.items():
        if there.any():
            column[there] = kept[name][rows[there]]
    return table
