"""A user's own pictures: `folder:PATH` reads `PATH/<class>/*`, or `PATH/train/<class>/*` and `PATH/test/<class>/*`.

Any size and any format that PIL reads; see `cifarlab.images` for how a picture becomes 32 x 32 RGB. Without a test
folder, a fifth of every class is the test set, always the same pictures.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from cifarlab.datasets._split import hold_out
from cifarlab.errors import CifarlabError
from cifarlab.images import list_pictures, read_images
from cifarlab.records import ImageSet, Source

_TEST_FRACTION, _TEST_SEED = 0.2, 2_026
_EXPECTED = "expected PATH/<class>/* or PATH/train/<class>/* and PATH/test/<class>/*, with at least two classes"

_Pictures = dict[str, list[Path]]


def load(
    *,
    data_dir: Path | None = None,
    argument: str = "",
    download: bool = True,
    progress: Callable[[str, float], None] | None = None,
) -> tuple[ImageSet, ImageSet, Source]:
    """Read every picture in the class folders; hidden files and files that are no pictures by their ending are ignored.

    Args:
        data_dir: What a relative PATH is relative to; None means the current folder.
        argument: PATH.
        download: Not needed.
        progress: Called with a phrase and the share done in `[0, 1]`.

    Returns:
        Training and test images `(N, 32, 32, 3)` uint8, classes and pictures sorted by name, ids the path inside PATH.

    Raises:
        CifarlabError: If there are fewer than two classes, a class is empty, the classes of test are not those of
            train, or a picture cannot be read.
    """
    if not argument:
        raise CifarlabError("folder needs a path. Received: 'folder'; write folder:PATH, such as folder:my_pictures")
    path = Path(argument).expanduser()
    base = None if path.is_absolute() else (data_dir or Path.cwd()).resolve()
    root = path if base is None else base / path
    source = Source(f"folder:{argument}", str(root), "read from a folder", data_dir=None if base is None else str(base))
    train_pictures, test_pictures = _find(root)
    train = _read(root, train_pictures, progress)
    if test_pictures:
        return train, _read(root, test_pictures, progress), source
    return *hold_out(train, _TEST_FRACTION, _TEST_SEED), source


def _find(root: Path) -> tuple[_Pictures, _Pictures]:
    """The pictures of each class for train and test, before any is read; none for test if there is no test folder."""
    folders = {folder.name for folder in _subfolders(root)}
    if "train" in folders and any(_subfolders(root / "train")):
        train = _classes(root / "train")
        if "test" not in folders:
            raise CifarlabError(f"{root} has train/ but no test/: {_EXPECTED}")
        test = _classes(root / "test")
        if test.keys() != train.keys():
            only = sorted(test.keys() ^ train.keys())
            raise CifarlabError(f"{root}: train/ and test/ need the same classes, but only one has: {', '.join(only)}")
        return train, test
    pictures = _classes(root)
    for name, paths in pictures.items():
        if len(paths) < 2:
            raise CifarlabError(f"class {name} in {root} has one picture: expected at least two, one of them for test")
    return pictures, {}


def _classes(root: Path) -> _Pictures:
    folders = _subfolders(root)
    if len(folders) < 2:
        found = f"one class ({folders[0].name})" if folders else "no class folders"
        raise CifarlabError(f"{root} has {found}: {_EXPECTED}")
    pictures = {folder.name: list_pictures(folder) for folder in folders}
    for name, paths in pictures.items():
        if not paths:
            raise CifarlabError(f"class {name} is empty: {root / name} holds no PNG, JPEG or other picture; add some")
    return pictures


def _subfolders(root: Path) -> list[Path]:
    if not root.is_dir():
        raise CifarlabError(f"no folder {root}: {_EXPECTED}")
    try:
        return sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    except OSError as error:
        raise CifarlabError(f"cannot list {root}: {error.strerror}; {_EXPECTED}") from error


def _read(root: Path, pictures: _Pictures, progress: Callable[[str, float], None] | None) -> ImageSet:
    paths = [path for some in pictures.values() for path in some]
    labels = np.repeat(np.arange(len(pictures)), [len(some) for some in pictures.values()])
    ids = np.array([path.relative_to(root).as_posix() for path in paths])
    return ImageSet(read_images(paths, progress=progress), labels.astype(np.int64), ids, tuple(pictures))
