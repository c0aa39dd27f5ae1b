"""The pictures of a layout, wherever it comes from, as the parts of a data set."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cifarlab.datasets._image_set import ImageSet, Source
from cifarlab.datasets._layout import Layout, Pictures
from cifarlab.datasets._picture_cache import read_folder
from cifarlab.datasets._split import BY_CONTENT, hold_out
from cifarlab.utils.arrays import Array
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.homes import expand
from cifarlab.utils.images import to_grey
from cifarlab.utils.progress import ProgressCallback
from cifarlab.utils.text import counted, readable

_TEST_FRACTION, _TEST_SEED = 0.2, 2_026


def resolve_base(path: str, kind: str, data_dir: Path | None) -> tuple[Path, Path | None]:
    """A user's own path, and what it is relative to; None where it is absolute.

    Args:
        path: As it was given.
        kind: What is there, for messages: a folder or a table.
        data_dir: What a relative path is relative to; None means the current folder.
    """
    if readable(path) != path:
        raise CifarlabError(f"the {kind}'s name {readable(path)} is not UTF-8: rename the {kind}")
    given = expand(path)
    base = None if given.is_absolute() else (data_dir or Path.cwd()).resolve()
    return (given if base is None else base / given), base


def load_layout(
    layout: Layout,
    origin: Path,
    name: str,
    base: Path | None,
    image_shape: tuple[int, int, int],
    progress: ProgressCallback | None,
) -> tuple[ImageSet, ImageSet, Source]:
    """Read the pictures, and hold out about a fifth of each class for test where no test part is given.

    Args:
        layout: The pictures of each class, and the folder that their ids are relative to.
        origin: The folder or table, for messages.
        name: The data set's, such as `"folder:pictures"`.
        base: What the path in `name` is relative to; None where it is absolute.
        image_shape: Height, width and channels that they are fitted to.
        progress: Called with a phrase and the share done in `[0, 1]`.

    Returns:
        As `cifarlab.datasets.folder.load`.

    Raises:
        CifarlabError: If pictures cannot be read: all of them are named; or a class has too few.
    """
    everything, table = _read(layout, origin, image_shape, progress)
    count = sum(map(len, layout.train.values()))
    rows = np.arange(len(everything))
    train, test = everything.take(rows[:count]), everything.take(rows[count:])
    if layout.test is None:
        _check_two_each(origin, train)
        train, test = hold_out(train, _TEST_FRACTION, _TEST_SEED)
    where, about = None if base is None else str(base), _describe(table, layout, image_shape[0])
    notices = (*layout.notices, *_say_two_classes(everything))
    how = f"read from a {name.partition(':')[0]}"
    return train, test, Source(name, str(origin), how, {}, where, BY_CONTENT, notices, about)


def _read(
    layout: Layout, origin: Path, image_shape: tuple[int, int, int], progress: ProgressCallback | None
) -> tuple[ImageSet, dict[str, Array]]:
    """Pictures of train, then of test, in one set: what cannot be read is named all at once."""
    parts: list[Pictures] = [layout.train, layout.test or {}]
    names = tuple(parts[0] or parts[1])
    numbers = {name: number for number, name in enumerate(names)}
    rows = [(path, numbers[name]) for part in parts for name, paths in part.items() for path in paths]
    paths, labels = [path for path, _ in rows], np.array([label for _, label in rows], np.int64)
    ids = [readable(path.relative_to(layout.root).as_posix()) for path in paths]
    twice = [name for name, count in Counter(ids).items() if count > 1]
    if twice:
        raise CifarlabError(f"two files in {origin} read as {twice[0]}, as one's name is not UTF-8: rename that one")
    size, _, channels = image_shape
    table = read_folder(origin, paths, progress, size)
    images = table["images"]
    if channels == 1:
        images = np.stack([to_grey(picture) for picture in images])
    return ImageSet(images, labels, np.array(ids), names, table["contents"]), table


def _say_two_classes(images: ImageSet) -> list[str]:
    """What to say of pictures that are in two classes, by their files' content."""
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


def _check_two_each(origin: Path, images: ImageSet) -> None:
    """A class of one picture cannot give one to test and keep one."""
    assert images.contents is not None
    for label, name in enumerate(images.class_names):
        contents = images.contents[images.labels == label]
        if len(set(contents.tolist())) < 2:
            copies = f", {len(contents)} times" if len(contents) > 1 else ""
            need = "expected at least two different ones, one of them for test"
            raise CifarlabError(f"class {name} in {origin} has one picture{copies}: {need}")


def _describe(table: Mapping[str, Array], layout: Layout, size: int) -> dict[str, Any]:
    widths, heights = table["widths"], table["heights"]
    sides = np.minimum(widths, heights)
    fitted = {
        "cropped": widths != heights,
        "enlarged": sides < size,
        "shrunk": sides > size,
        "unchanged": (widths == size) & (heights == size),
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
