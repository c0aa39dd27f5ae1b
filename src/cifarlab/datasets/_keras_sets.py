"""Data sets that are read by `keras.datasets` itself, out of Keras's own cache, once their files are verified.

Keras deletes a file of its cache that has a wrong checksum, to download it again. Here such a file is reported instead,
and what to do with it is left to its owner.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from cifarlab.datasets._download import NoDataError, keras_cache_folders, load_through_keras
from cifarlab.datasets._image_set import ImageSet, Source
from cifarlab.datasets._options import refuse
from cifarlab.utils import files
from cifarlab.utils.arrays import Array
from cifarlab.utils.errors import CifarlabError


def load_keras_set(
    name: str,
    class_names: tuple[str, ...],
    url: str,
    expected: Mapping[str, str],
    *,
    data_dir: Path | None,
    argument: str,
    download: bool,
    progress: Callable[[str, float], None] | None,
) -> tuple[ImageSet, ImageSet, Source]:
    """Load `keras.datasets.<name>`, downloading it where Keras's cache lacks it.

    Args:
        name: A module of `keras.datasets`.
        class_names: In the order of the labels.
        url: An address at the server that Keras downloads from.
        expected: Path inside Keras's cache to `"sha256:..."` or `"md5:..."`.
        data_dir: Must be None.
        argument: Must be empty.
        download: Whether the network may be used.
        progress: Called with a phrase and the share done in `[0, 1]`.

    Returns:
        Training and test images `(N, H, W, C)` uint8 in the published order, and where they came from.

    Raises:
        NoDataError: If it is nowhere and cannot be downloaded.
        CifarlabError: If a file of the cache is truncated or altered.
    """
    refuse(name, argument=argument, data_dir=data_dir, why="it is read from Keras's cache; KERAS_HOME says where")
    advice = f"put {', '.join(expected)} into {keras_cache_folders()[0]}"
    cache = _verified_cache(expected, progress)
    if cache is None and not download:
        raise NoDataError(f"no {name} on this machine, and downloading was not allowed: {advice}")
    how = "found in Keras's cache" if cache else "downloaded through keras.datasets"
    (train_images, train_labels), (test_images, test_labels) = load_through_keras(name, "" if cache else url, advice)
    cache = cache or _verified_cache(expected, progress)
    if cache is None:
        raise NoDataError(f"keras.datasets left no {name} in {keras_cache_folders()[0]}: {advice}")
    train = _image_set("train", train_images, train_labels, class_names)
    test = _image_set("test", test_images, test_labels, class_names)
    return train, test, Source(name, str(cache), how, dict(expected))


def _verified_cache(expected: Mapping[str, str], progress: Callable[[str, float], None] | None) -> Path | None:
    """The cache folder that holds all the expected files, verified, or None."""
    for cache in keras_cache_folders():
        if not all((cache / file).is_file() for file in expected):
            continue
        for done, (file, checksum) in enumerate(expected.items()):
            if progress:
                progress(f"verifying {file}", done / len(expected))
            algorithm, _, digest = checksum.partition(":")
            found = files.checksum(cache / file, algorithm)
            if found != digest:
                raise CifarlabError(
                    f"{cache / file} is truncated or altered: expected {algorithm.upper()} {digest}, found {found}; "
                    "delete it, and it will be downloaded again"
                )
        return cache
    return None


def _image_set(split: str, images: Array, labels: Array, class_names: tuple[str, ...]) -> ImageSet:
    shaped = images if images.ndim == 4 else images[..., np.newaxis]
    ids = np.strings.add(f"{split}-", np.strings.zfill(np.arange(len(labels)).astype("U5"), 5))
    return ImageSet(shaped, np.asarray(labels).reshape(-1).astype(np.int64), ids, class_names)
