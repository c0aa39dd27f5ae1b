"""The published files that robustness is measured on elsewhere: CIFAR-10-C and CIFAR-10.1, read as they are.

They are opened where they lie and read a part at a time, so that the 3 GB of CIFAR-10-C never are in memory at once.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cifarlab.datasets import ImageSet
from cifarlab.datasets.cifar10 import CLASS_NAMES
from cifarlab.utils import discovery
from cifarlab.utils.array_files import BROKEN_ARCHIVE, map_array
from cifarlab.utils.arrays import Array
from cifarlab.utils.errors import CifarlabError, say_error
from cifarlab.utils.homes import expand

_IMAGE_SHAPE = (32, 32, 3)
_PER_SEVERITY = 10_000
_CIFAR101_VERSIONS = ("v6", "v4")


@dataclass(frozen=True)
class Cifar10C:
    """An opened folder of CIFAR-10-C.

    Attributes:
        names: The corruptions found in it, sorted.
        labels: `(10000,)` int64, the same at every severity.
    """

    folder: Path
    names: tuple[str, ...]
    labels: Array

    def images(self, corruption: str, severity: int, rows: Array) -> Array:
        """Pictures of one corruption at one severity.

        Args:
            corruption: One of `names`.
            severity: 1 to 5.
            rows: `(N,)` int in `[0, 10000)`, increasing: which test images.

        Returns:
            `(N, 32, 32, 3)` uint8.
        """
        stored = _open(self.folder / f"{corruption}.npy")
        return np.ascontiguousarray(stored[(severity - 1) * _PER_SEVERITY + rows])


def open_cifar10c(folder: str | Path) -> Cifar10C:
    """Open a folder with `labels.npy` and one `<corruption>.npy` each, `(50000, 32, 32, 3)` uint8.

    Raises:
        CifarlabError: If a file is missing, or holds something else than CIFAR-10-C does.

    Source: Hendrycks and Dietterich 2019, arXiv:1903.12261; https://zenodo.org/records/2535967.
    """
    path = expand(folder)
    if not (path / "labels.npy").is_file():
        raise CifarlabError(f"no CIFAR-10-C in {path}: expected labels.npy and files such as fog.npy")
    names = sorted(file.stem for file in path.glob("*.npy") if file.stem != "labels")
    if not names:
        raise CifarlabError(f"no corruptions in {path}: expected files such as fog.npy beside labels.npy")
    for name in names:
        _check_images(path / f"{name}.npy", 5 * _PER_SEVERITY)
    labels = _read_labels(path / "labels.npy", 5 * _PER_SEVERITY).reshape(5, _PER_SEVERITY)
    if (labels != labels[0]).any():
        raise CifarlabError(f"{path / 'labels.npy'} is not CIFAR-10-C's: expected the same labels at every severity")
    return Cifar10C(path, tuple(names), labels[0])


def choose_corruptions(files: Cifar10C, wanted: list[str] | None) -> list[str]:
    """The corruptions to measure: those wanted, or all that the folder has.

    Raises:
        CifarlabError: If one that is wanted is not there.
    """
    for name in wanted or []:
        if name not in files.names:
            raise CifarlabError(f"{files.folder}: {discovery.unknown('corruption', name, files.names)}")
    return list(wanted or files.names)


def load_cifar101(folder: str | Path) -> ImageSet:
    """CIFAR-10.1, new photographs chosen as CIFAR-10's were: version 6 where it is there, else version 4.

    Args:
        folder: Holds `cifar10.1_v6_data.npy`, `(N, 32, 32, 3)` uint8, and `cifar10.1_v6_labels.npy`, `(N,)` int.

    Returns:
        The images, with ids such as `"cifar10.1-v6-00042"`.

    Raises:
        CifarlabError: If a file is missing, or holds something else.

    Source: Recht et al. 2018, arXiv:1806.00451; https://github.com/modestyachts/CIFAR-10.1.
    """
    path = expand(folder)
    for version in _CIFAR101_VERSIONS:
        data, labels_file = (path / f"cifar10.1_{version}_{part}.npy" for part in ("data", "labels"))
        if data.is_file():
            count = _check_images(data)
            labels = _read_labels(labels_file, count)
            ids = np.array([f"cifar10.1-{version}-{number:05d}" for number in range(count)])
            return ImageSet(np.ascontiguousarray(_open(data)), labels, ids, CLASS_NAMES)
    raise CifarlabError(
        f"no CIFAR-10.1 in {path}: expected cifar10.1_v6_data.npy and cifar10.1_v6_labels.npy, or those of v4"
    )


def _open(path: Path) -> Array:
    if path.exists() and not path.is_file():  # a pipe would be waited for
        raise CifarlabError(f"{path} is no regular file: expected an array in NumPy's format")
    try:
        return map_array(path)
    except BROKEN_ARCHIVE as error:
        raise CifarlabError(f"cannot read {path}: expected an array in NumPy's format ({say_error(error)})") from error


def _check_images(path: Path, count: int | None = None) -> int:
    stored = _open(path)
    wanted = f"({'N' if count is None else count}, 32, 32, 3)"
    right = stored.ndim == 4 and stored.shape[1:] == _IMAGE_SHAPE and stored.dtype == np.uint8 and len(stored)
    if not right or count not in (None, len(stored)):
        raise CifarlabError(
            f"{path} holds {stored.shape} {stored.dtype}: expected {wanted} uint8; get the published file again"
        )
    return len(stored)


def _read_labels(path: Path, count: int) -> Array:
    if not path.is_file():
        raise CifarlabError(f"no labels at {path}: they are published beside the images")
    stored = _open(path)
    if stored.shape != (count,) or stored.dtype.kind not in "iu":
        raise CifarlabError(f"{path} holds {stored.shape} {stored.dtype}: expected ({count},) whole numbers")
    labels = np.asarray(stored, np.int64)
    if not 0 <= labels.min() <= labels.max() < len(CLASS_NAMES):
        raise CifarlabError(f"{path} holds labels from {labels.min()} to {labels.max()}: expected 0 to 9")
    return labels
