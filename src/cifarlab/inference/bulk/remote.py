"""Pictures behind a URL, in whatever store fsspec reaches: listed as those of a folder are, and read like them."""

import contextlib
import importlib.util
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifarlab.inference.picture_files import check_shape, read_pictures
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.images import PictureError, endings, is_litter, read_image, to_grey

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def is_url(name: str) -> bool:
    """Whether a name is a URL, and not a path.

    Example:
        >>> is_url("s3://bucket/pictures"), is_url("pictures/a.png")
        (True, False)
    """
    return _URL.match(name) is not None


def find_remote(url: str) -> tuple[list[str], Counter[str]]:
    """The pictures at and below a URL, in the order of those of a folder, and what else is there, by ending.

    Raises:
        CifarlabError: If fsspec, or what it needs for the store, is missing, or the store says no.
    """
    with _reached(url):
        store, root = _store(url)
        found = [root] if store.isfile(root) else store.find(root)
    below = len(root.rstrip("/")) + 1
    pictures: list[str] = []
    left_out: Counter[str] = Counter()
    for path in sorted(found, key=lambda path: _order(path[below:])):
        if any(is_litter(part) for part in path[below:].split("/") if part):
            continue
        ending = PurePosixPath(path).suffix
        if ending.lower() in endings():
            pictures.append(store.unstrip_protocol(path))
        else:
            left_out[ending or "without an ending"] += 1
    if not pictures:
        raise CifarlabError(f"there are no pictures at {url}: expected PNG, JPEG, WebP or other picture files below it")
    return pictures, left_out


def read_pictures_anywhere(
    names: Sequence[str], image_shape: tuple[int, int, int]
) -> tuple[NDArray[np.uint8], list[int], list[PictureError]]:
    """As `read_pictures`, with URLs among the names."""
    check_shape(image_shape)
    if not any(is_url(name) for name in names):
        return read_pictures(names, image_shape)
    images: list[NDArray[np.uint8]] = []
    rows: list[int] = []
    errors: list[PictureError] = []
    for row, name in enumerate(names):
        try:
            images.append(_read_remote(name, image_shape) if is_url(name) else _read_file(name, image_shape))
            rows.append(row)
        except PictureError as error:
            errors.append(error)
    return np.stack(images) if images else np.empty((0, *image_shape), np.uint8), rows, errors


def _read_file(name: str, image_shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    images, _, errors = read_pictures([name], image_shape)
    if errors:
        raise errors[0]
    (image,) = images
    return np.asarray(image)


def _read_remote(url: str, image_shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    size, _, channels = image_shape
    try:
        store, path = _store(url)
        with store.open(path, "rb") as file:
            rgb = read_image(file, size, name=url)
    except OSError as error:
        reason = error.strerror or str(error) or type(error).__name__
        raise PictureError(url, reason, "expected a picture that can be read", "access") from error
    return rgb if channels == 3 else to_grey(rgb)


def _store(url: str) -> tuple[Any, str]:
    """Where a URL points: the store, which fsspec keeps for the next one, and the path in it."""
    if importlib.util.find_spec("fsspec") is None:
        raise CifarlabError("pictures behind a URL need fsspec: pip install 'cifarlab[ray]'")
    import fsspec

    store, path = fsspec.core.url_to_fs(url)
    return store, str(path)


@contextlib.contextmanager
def _reached(url: str) -> Iterator[None]:
    """What a store raises where it cannot be reached, as one line."""
    try:
        yield
    except (OSError, ValueError, ImportError) as error:
        raise CifarlabError(f"cannot list {url}: {' '.join(str(error).split())[:300]}") from error


def _order(path: str) -> list[tuple[bool, str]]:
    """So that the files of a folder stand before those of its sub-folders, each by name."""
    *folders, name = path.split("/")
    return [*((True, folder) for folder in folders), (False, name)]
