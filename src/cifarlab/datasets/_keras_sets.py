"""Data sets that are read by `keras.datasets` itself, out of Keras's own cache, once their files are verified.

Keras deletes a file of its cache that has a wrong checksum, to download it again. Here such a file is reported instead,
and what to do with it is left to its owner.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cifarlab.datasets._download import NoDataError, keras_cache_folders, load_through_keras
from cifarlab.datasets._image_set import ImageSet, Source, numbered_set
from cifarlab.datasets._options import refuse
from cifarlab.datasets._verification import verify_files
from cifarlab.utils.progress import ProgressCallback


@dataclass(frozen=True)
class KerasSet:
    """The `load` of a data set that `keras.datasets` has.

    Attributes:
        name: A module of `keras.datasets`.
        url: An address at the server that Keras downloads from.
        expected: Path inside Keras's cache to `"sha256:..."` or `"md5:..."`.
    """

    name: str
    class_names: tuple[str, ...]
    url: str
    expected: Mapping[str, str]

    def __call__(
        self,
        *,
        data_dir: Path | None = None,
        argument: str = "",
        download: bool = True,
        progress: ProgressCallback | None = None,
    ) -> tuple[ImageSet, ImageSet, Source]:
        """Load it, downloading it where Keras's cache lacks it; arguments as in `cifarlab.datasets`.

        Returns:
            Training and test images `(N, H, W, C)` uint8 in the published order, and where they came from.

        Raises:
            NoDataError: If it is nowhere and cannot be downloaded.
            CifarlabError: If a file of the cache is truncated or altered, or `data_dir` or `argument` is given.
        """
        why = "it is read from Keras's cache; KERAS_HOME says where"
        refuse(self.name, argument=argument, data_dir=data_dir, why=why)
        advice = f"put {', '.join(self.expected)} into {keras_cache_folders()[0]}"
        cache = _verified_cache(self.expected, progress)
        if cache is None and not download:
            raise NoDataError(f"no {self.name} on this machine, and downloading was not allowed: {advice}")
        how = "found in Keras's cache" if cache else "downloaded through keras.datasets"
        parts = load_through_keras(self.name, "" if cache else self.url, advice)
        cache = cache or _verified_cache(self.expected, progress)
        if cache is None:
            raise NoDataError(f"keras.datasets left no {self.name} in {keras_cache_folders()[0]}: {advice}")
        train, test = (
            numbered_set(split, images, labels, self.class_names)
            for split, (images, labels) in zip(("train", "test"), parts, strict=True)
        )
        return train, test, Source(self.name, str(cache), how, dict(self.expected))


def _verified_cache(expected: Mapping[str, str], progress: ProgressCallback | None) -> Path | None:
    """The cache folder that holds all the expected files, verified, or None."""
    for cache in keras_cache_folders():
        if not all((cache / file).is_file() for file in expected):
            continue
        verify_files(cache, expected, "delete it, and it will be downloaded again", progress)
        return cache
    return None
