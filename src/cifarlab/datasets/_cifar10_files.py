"""The files of CIFAR-10, in each form in which they are published, verified and decoded.

The python form and the binary form hold the same images in the same order, each as a folder or as a `.tar.gz`. What
counts is the checksum of every single batch file: an archive packed again from the same files is as good as the
original. Archives are read without writing anything to disk.

Source: Alex Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009,
https://www.cs.toronto.edu/~kriz/cifar.html. That page publishes the checksums of the archives; those of the python
batches are the ones that torchvision verifies, and those of the binary batches were computed from these.
"""

import hashlib
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from cifarlab.datasets._safe_pickle import read_pickle
from cifarlab.utils.arrays import Array
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.progress import ProgressCallback

try:
    from lzma import LZMAError
except ImportError:  # a Python built without it, whose tarfile refuses such archives itself
    LZMAError = tarfile.CompressionError  # type: ignore[assignment,misc]

TRAIN_BATCHES = tuple(f"data_batch_{number}" for number in range(1, 6))
BATCHES = (*TRAIN_BATCHES, "test_batch")
EXPECTED_FORMS = (
    "a folder with cifar-10-batches-py/, cifar-10-python.tar.gz, cifar-10-batches-bin/ or cifar-10-binary.tar.gz"
)


@dataclass(frozen=True)
class Published:
    """MD5 checksums of the files in both forms, by file name, and the number of images in every batch."""

    python: Mapping[str, str]
    binary: Mapping[str, str]
    images_per_batch: int = 10_000


OFFICIAL = Published(
    python={
        "data_batch_1": "c99cafc152244af753f735de768cd75f",
        "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
        "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
        "data_batch_4": "634d18415352ddfa80567beed471001a",
        "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
        "test_batch": "40351d587109b95175f43aff81a1287e",
        "batches.meta": "5ff9c542aee3614f3951f8cda6e48888",
    },
    binary={
        "data_batch_1.bin": "5dd7e06a14cb22eb9f671a540d1b7c25",
        "data_batch_2.bin": "5ea93a67294ea407fff1d09f752e9692",
        "data_batch_3.bin": "942cd6a4bcdd0dd3c604fbe906cb4421",
        "data_batch_4.bin": "ae636b3ba5c66a11e91e8cb52e771fcb",
        "data_batch_5.bin": "53f37980c15c3d472c316c40844f3f0d",
        "test_batch.bin": "803d5f7f4d78ea53de84dbe85f74fb6d",
    },
)

_PYTHON_FOLDER, _BINARY_FOLDER = "cifar-10-batches-py", "cifar-10-batches-bin"
_PYTHON_ARCHIVE, _BINARY_ARCHIVE = "cifar-10-python.tar.gz", "cifar-10-binary.tar.gz"
_ARCHIVE_MD5 = {False: "c58f30108f718f92721af3b95e74349a", True: "c32a1d4ab5d03f1284b67883e8d87530"}
_LARGEST_MEMBER_BYTES = 64 * 2**20
_ADVICE = "get it again from https://www.cs.toronto.edu/~kriz/cifar.html"


@dataclass(frozen=True)
class Form:
    """CIFAR-10 in one of its forms: a folder with the batch files, or an archive of them."""

    path: Path
    binary: bool

    @property
    def is_archive(self) -> bool:
        """Whether it is one file."""
        return self.path.is_file()

    @property
    def is_complete(self) -> bool:
        """Whether no batch file is missing, as far as this can be told without reading an archive."""
        return self.is_archive or all((self.path / name).is_file() for name in _names(OFFICIAL, self))

    @property
    def files(self) -> list[Path]:
        """The files on disk that the images come from, as far as they are there."""
        if self.is_archive:
            return [self.path]
        return [self.path / name for name in _names(OFFICIAL, self) if (self.path / name).is_file()]


def find_form(folder: Path) -> Form | None:
    """CIFAR-10 in `folder`, the first complete form if there are several; `folder` may be a form itself."""
    if folder.is_file():
        return Form(folder, binary="binary" in folder.name)
    forms = [Form(path, binary=False) for path in (folder / _PYTHON_FOLDER, folder, folder / _PYTHON_ARCHIVE)]
    forms += [Form(path, binary=True) for path in (folder / _BINARY_FOLDER, folder, folder / _BINARY_ARCHIVE)]
    found = [form for form in forms if form.is_archive or (form.path.is_dir() and form.files)]
    return next((form for form in found if form.is_complete), found[0] if found else None)


def read_form(
    form: Form, published: Published = OFFICIAL, progress: ProgressCallback | None = None
) -> dict[str, Array]:
    """Verify and decode every batch.

    Args:
        form: Where the batches are.
        published: What the files are checked against.
        progress: Called with a phrase and the share done in `[0, 1]`.

    Returns:
        `images` `(6 M, 32, 32, 3)` uint8 and `labels` `(6 M,)` int64 for M images a batch; the last M are the test set.

    Raises:
        CifarlabError: If a file is missing, truncated, altered, or not what its name says.
    """
    expected = _names(published, form)
    count = published.images_per_batch
    images = np.empty((len(BATCHES) * count, 32, 32, 3), np.uint8)
    labels = np.empty(len(BATCHES) * count, np.int64)
    missing = set(expected)
    for done, (name, data) in enumerate(_archive_members(form, expected) if form.is_archive else _folder_members(form)):
        if progress:
            progress(f"verifying {name}", done / len(expected))
        _verify(form, name, data, expected[name])
        batch = name.removesuffix(".bin")
        if batch in BATCHES:
            rows = slice(BATCHES.index(batch) * count, (BATCHES.index(batch) + 1) * count)
            decode = _decode_binary if form.binary else _decode_python
            images[rows], labels[rows] = decode(data, f"{name} in {form.path}", count)
        missing.discard(name)
    if missing:
        raise CifarlabError(
            f"{form.path} lacks {', '.join(sorted(missing))}: expected all of {', '.join(expected)}; {_ADVICE}"
        )
    return {"images": images, "labels": labels}


def checksums(form: Form, published: Published = OFFICIAL) -> dict[str, str]:
    """What `read_form` verifies: file name to `"md5:..."`."""
    return {name: f"md5:{digest}" for name, digest in _names(published, form).items()}


def _names(published: Published, form: Form) -> Mapping[str, str]:
    return published.binary if form.binary else published.python


def _folder_members(form: Form) -> Iterator[tuple[str, bytes]]:
    for path in form.files:
        try:
            data = path.read_bytes()
        except OSError as error:
            raise CifarlabError(f"cannot read {path}: {error.strerror}; expected a CIFAR-10 batch file") from error
        yield path.name, data


def _archive_members(form: Form, expected: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    """The files of an archive whose names are expected, wherever in it they are; each name once."""
    seen = set()
    try:
        with tarfile.open(form.path, "r:*") as archive:
            for member in archive:
                name = PurePosixPath(member.name).name
                file = archive.extractfile(member) if member.isreg() and name in expected and name not in seen else None
                if file is None:
                    continue
                if member.size > _LARGEST_MEMBER_BYTES:
                    raise CifarlabError(
                        f"{form.path}: {name} in it is far too large ({member.size:,} bytes); {_ADVICE}"
                    )
                seen.add(name)
                yield name, file.read()
    except (tarfile.TarError, EOFError, OSError, zlib.error, LZMAError) as error:
        raise CifarlabError(
            f"{form.path} is truncated or damaged ({error}): expected the archive with MD5 "
            f"{_ARCHIVE_MD5[form.binary]}; {_ADVICE}"
        ) from error


def _verify(form: Form, name: str, data: bytes, expected: str) -> None:
    found = hashlib.md5(data, usedforsecurity=False).hexdigest()
    if found != expected:
        raise CifarlabError(
            f"{name} in {form.path} is truncated or altered: expected MD5 {expected}, found {found} "
            f"({len(data):,} bytes); {_ADVICE}"
        )


def _decode_python(data: bytes, name: str, count: int) -> tuple[Array, Array]:
    entry = read_pickle(data, name)
    pixels = entry.get(b"data") if isinstance(entry, dict) else None
    labels = entry.get(b"labels") if isinstance(entry, dict) else None
    if not (isinstance(pixels, np.ndarray) and isinstance(labels, list) and pixels.dtype == np.uint8):
        raise CifarlabError(f"{name} is not a CIFAR-10 batch: expected data (uint8) and labels; {_ADVICE}")
    if pixels.shape != (count, 3072) or len(labels) != count:
        raise CifarlabError(
            f"{name} holds {pixels.shape} pixels and {len(labels):,} labels: expected {count:,}; {_ADVICE}"
        )
    return _channels_last(pixels), np.array(labels, np.int64)


def _decode_binary(data: bytes, name: str, count: int) -> tuple[Array, Array]:
    if len(data) != count * 3073:
        raise CifarlabError(f"{name} has {len(data):,} bytes: expected {count * 3073:,}; {_ADVICE}")
    rows = np.frombuffer(data, np.uint8).reshape(count, 3073)
    return _channels_last(rows[:, 1:]), rows[:, 0].astype(np.int64)


def _channels_last(pixels: Array) -> Array:
    """`(N, 3072)`, all red first, then green, then blue -> `(N, 32, 32, 3)`, a view."""
    return pixels.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
