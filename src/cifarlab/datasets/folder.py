"""A user's own pictures: `folder:PATH` reads `PATH/<class>/*`, or `PATH/train/<class>/*` and `PATH/test/<class>/*`.

Any size and any format that PIL reads; see `cifarlab.utils.images` for how a picture becomes 32 x 32 RGB, and
`cifarlab.datasets._layout` for the spellings and depths of folders that are understood. Without a test folder, about a
fifth of every class is the test set: which pictures, follows from each file's content alone.
"""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from cifarlab.datasets._image_set import ImageSet, Source
from cifarlab.datasets._layout import Layout, Pictures, find_layout
from cifarlab.datasets._picture_cache import read_folder
from cifarlab.datasets._split import BY_CONTENT, hold_out
from cifarlab.utils.arrays import Array
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.progress import ProgressCallback
from cifarlab.utils.text import counted, readable

_TEST_FRACTION, _TEST_SEED = 0.2, 2_026
_SIZE_PIXELS = 32
IMAGE_SHAPE = (_SIZE_PIXELS, _SIZE_PIXELS, 3)


def load(
    *,
    data_dir: Path | None = None,
    argument: str = "",
    download: bool = True,
    progress: ProgressCallback | None = None,
) -> tuple[ImageSet, ImageSet, Source]:
    """Read every picture in and below the class folders; hidden files, and what systems leave there, are passed over.

    Args:
        data_dir: What a relative PATH is relative to; None means the current folder.
        argument: PATH.
        download: Not needed.
        progress: Called with a phrase and the share done in `[0, 1]`.

    Returns:
        Training and test images `(N, 32, 32, 3)` uint8 with their contents, classes and pictures sorted by name, ids
        the path inside PATH; no training images where there is a test folder only. The source's `pictures` says how
        many there are of which `formats`, `modes`, `widths` and `heights` (smallest, median, largest, in pixels), how
        they were `fitted` to 32 x 32, how many are `animated`, and what was `left_out` by ending.

    Raises:
        CifarlabError: If there are fewer than two classes, a class is empty, the classes of test are not those of
            train, or pictures cannot be read: all of these are named.
    """
    root, base = _find_root(data_dir, argument)
    layout = find_layout(root)
    everything, table = _read(root, layout, progress)
    count = sum(map(len, layout.train.values()))
    rows = np.arange(len(everything))
    train, test = everything.take(rows[:count]), everything.take(rows[count:])
    if layout.test is None:
        _check_two_each(root, train)
        train, test = hold_out(train, _TEST_FRACTION, _TEST_SEED)
    where, about = None if base is None else str(base), _describe(table, layout)
    notices = (*layout.notices, *_say_two_classes(everything))
    source = Source(f"folder:{argument}", str(root), "read from a folder", {}, where, BY_CONTENT, notices, about)
    return train, test, source


def _find_root(data_dir: Path | None, argument: str) -> tuple[Path, Path | None]:
    """The folder, and what its path is relative to; None where it is absolute."""
    if not argument:
        raise CifarlabError("folder needs a path. Received: 'folder'; write folder:PATH, such as folder:my_pictures")
    if readable(argument) != argument:
        raise CifarlabError(f"the folder's name {argument} is not UTF-8: rename the folder")
    path = Path(argument).expanduser()
    base = None if path.is_absolute() else (data_dir or Path.cwd()).resolve()
    return (path if base is None else base / path), base


def _read(root: Path, layout: Layout, progress: ProgressCallback | None) -> tuple[ImageSet, dict[str, Array]]:
    """Pictures of train, then of test, in one set: what cannot be read is named all at once."""
    parts: list[Pictures] = [layout.train, layout.test or {}]
    names = tuple(parts[0] or parts[1])
    rows = [(path, names.index(name)) for part in parts for name, paths in part.items() for path in paths]
    paths, labels = [path for path, _ in rows], np.array([label for _, label in rows], np.int64)
    ids = [readable(path.relative_to(root).as_posix()) for path in paths]
    twice = [name for name, count in Counter(ids).items() if count > 1]
    if twice:
        raise CifarlabError(f"two files in {root} read as {twice[0]}, as one's name is not UTF-8: rename that one")
    table = read_folder(root, paths, progress)
    return ImageSet(table["images"], labels, np.array(ids), names, table["contents"]), table


def _say_two_classes(images: ImageSet) -> list[str]:
    """What to say of pictures that lie in the folders of two classes, by their files' content."""
    assert images.contents is not None
    labels: dict[str, set[int]] = {}
    for content, label in zip(images.contents.tolist(), images.labels.tolist(), strict=True):
        labels.setdefault(content, set()).add(label)
    twice = {content for content, own in labels.items() if len(own) > 1}
    if not twice:
        return []
    first = next(content for content in images.contents.tolist() if content in twice)
    where = " and ".join(images.ids[images.contents == first][:2].tolist())
    verb = "lies" if len(twice) == 1 else "lie"
    return [f"{counted(len(twice), 'picture')} {verb} in more than one class ({where}): one of the labels is wrong."]


def _check_two_each(root: Path, images: ImageSet) -> None:
    """A class of one picture cannot give one to test and keep one."""
    assert images.contents is not None
    for label, name in enumerate(images.class_names):
        contents = images.contents[images.labels == label]
        if len(set(contents.tolist())) < 2:
            copies = f", {len(contents)} times" if len(contents) > 1 else ""
            need = "expected at least two different ones, one of them for test"
            raise CifarlabError(f"class {name} in {root} has one picture{copies}: {need}")


def _describe(table: dict[str, Array], layout: Layout) -> dict[str, Any]:
    widths, heights = table["widths"], table["heights"]
    sides = np.minimum(widths, heights)
    fitted = {
        "cropped": widths != heights,
        "enlarged": sides < _SIZE_PIXELS,
        "shrunk": sides > _SIZE_PIXELS,
        "unchanged": (widths == _SIZE_PIXELS) & (heights == _SIZE_PIXELS),
    }
    return {
        "count": len(widths),
        "widths": _spread(widths),
        "heights": _spread(heights),
        "formats": _counts(table["formats"]),
        "modes": _counts(table["modes"]),
        "fitted": {how: int(which.sum()) for how, which in fitted.items()},
        "animated": int(table["animated"].sum()),
        "left_out": dict(layout.left_out),
    }


def _spread(values: Array) -> list[float]:
    return [int(values.min()), float(np.median(values)), int(values.max())]


def _counts(values: Array) -> dict[str, int]:
    return dict(Counter(values.tolist()).most_common())
