"""CIFAR-10: 60,000 colour pictures, 32 x 32 pixels, ten classes.

Looked for in `--data-dir`, then `$CIFARLAB_DATA`, then Keras's own cache, then downloaded through `keras.datasets`. A
folder that was named but holds no CIFAR-10 is an error; the search never goes on silently past what the user asked for.

Source: Alex Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
"""

import os
from pathlib import Path

from cifarlab.datasets._array_cache import cached_arrays
from cifarlab.datasets._cifar10_files import (
    EXPECTED_FORMS,
    OFFICIAL,
    TRAIN_BATCHES,
    Form,
    Published,
    checksums,
    find_form,
    read_form,
)
from cifarlab.datasets._download import NoDataError, keras_cache_folders, load_through_keras
from cifarlab.datasets._image_set import ImageSet, Source, numbered_set
from cifarlab.datasets._options import refuse
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.homes import expand
from cifarlab.utils.progress import ProgressCallback

IMAGE_SHAPE = (32, 32, 3)
CLASS_NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

_ADVICE = f"give it with --data-dir DIR or CIFARLAB_DATA=DIR, where DIR is {EXPECTED_FORMS}"
_URL = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"


def load(
    *,
    data_dir: Path | None = None,
    argument: str = "",
    download: bool = True,
    progress: ProgressCallback | None = None,
) -> tuple[ImageSet, ImageSet, Source]:
    """Find CIFAR-10, verify every file against its published checksum, and decode it.

    Arguments as in `cifarlab.datasets`; without `data_dir` the usual places are searched.

    Returns:
        50,000 training and 10,000 test images `(N, 32, 32, 3)` uint8, in the published order, and where they came from.

    Raises:
        NoDataError: If it is nowhere and cannot be downloaded.
        CifarlabError: If a named folder holds no CIFAR-10, or a file is missing, truncated or altered.
    """
    refuse("cifar10", argument=argument)
    form, how, found_in = locate(data_dir, download)
    train, test = read_splits(form, OFFICIAL, progress)
    return train, test, Source("cifar10", str(form.path), how, checksums(form), found_in)


def read_splits(
    form: Form, published: Published = OFFICIAL, progress: ProgressCallback | None = None
) -> tuple[ImageSet, ImageSet]:
    """Training and test images of one form, from the cache of arrays if this form was verified before."""
    expected = checksums(form, published)
    arrays = cached_arrays("cifar10", form.files, expected, lambda: read_form(form, published, progress))
    boundary = len(TRAIN_BATCHES) * published.images_per_batch
    splits = {"train": slice(0, boundary), "test": slice(boundary, None)}
    train, test = (
        numbered_set(name, arrays["images"][rows], arrays["labels"][rows], CLASS_NAMES) for name, rows in splits.items()
    )
    return train, test


def locate(data_dir: Path | None, download: bool) -> tuple[Form, str, str | None]:
    """The form to read, a phrase that says how it was found, and the `--data-dir` that finds it again."""
    if data_dir is not None:
        return _demand(data_dir, "--data-dir"), "found with --data-dir", str(data_dir.resolve())
    if named := os.environ.get("CIFARLAB_DATA"):
        folder = expand(named)
        return _demand(folder, "$CIFARLAB_DATA"), "found with $CIFARLAB_DATA", str(folder.resolve())
    if form := _in_keras_cache():
        return form, "found in Keras's cache", None
    if not download:
        raise NoDataError(f"no cifar10 on this machine, and downloading was not allowed: {_ADVICE}")
    load_through_keras("cifar10", _URL, _ADVICE)
    if form := _in_keras_cache():
        return form, "downloaded through keras.datasets", None
    raise NoDataError(f"keras.datasets left no cifar10 in {keras_cache_folders()[0]}: {_ADVICE}")


def _demand(folder: Path, named_by: str) -> Form:
    try:
        folder.stat()
        form = find_form(folder)
    except OSError as error:
        raise CifarlabError(f"{folder}, named by {named_by}: {error.strerror}; expected {EXPECTED_FORMS}") from error
    if form is None:
        raise CifarlabError(f"{folder}, named by {named_by}, holds no CIFAR-10: expected {EXPECTED_FORMS}")
    return form


def _in_keras_cache() -> Form | None:
    """Keras now keeps `cifar-10-batches-py-target/` and its `_archive`; earlier versions kept the plain names."""
    for cache in keras_cache_folders():
        folders = [cache / "cifar-10-batches-py-target" / "cifar-10-batches-py", cache / "cifar-10-batches-py"]
        archives = [cache / "cifar-10-batches-py-target_archive", cache / "cifar-10-batches-py.tar.gz"]
        forms = [Form(path, binary=False) for path in (*folders, *archives) if path.exists()]
        complete = [form for form in forms if form.is_complete]
        if complete:
            return complete[0]
    return None
