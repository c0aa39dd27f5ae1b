"""Data sets that are read by `keras.datasets` itself, out of Keras's own cache, once their files are verified.

Keras deletes a file of its cache that has a wrong checksum, to download it again. Here such a file is reported instead,
and what to do with it is left to its owner.
"""

import contextlib
import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from cifarlab.datasets._download import NoDataError, keras_cache_folders, load_through_keras
from cifarlab.datasets._image_set import ImageSet, Source, numbered_set
from cifarlab.datasets._options import refuse
from cifarlab.datasets._verification import verify_files
from cifarlab.utils import locks
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.progress import ProgressCallback

_log = logging.getLogger(__name__)

_PATIENCE_SECONDS = 60.0


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
        advice = f"put {', '.join(self.expected)} into {_used_folder()}"
        cache = _verified_cache(self.expected, progress)
        if cache is None and not download:
            raise NoDataError(f"no {self.name} on this machine, and downloading was not allowed: {advice}")
        how = "found in Keras's cache" if cache else "downloaded through keras.datasets"
        with _alone(cache, self.name):
            parts = load_through_keras(self.name, "" if cache else self.url, advice)
        cache = cache or _verified_cache(self.expected, progress)
        if cache is None:
            raise NoDataError(f"keras.datasets left no {self.name} in {_used_folder()}: {advice}")
        train, test = (
            numbered_set(split, images, labels, self.class_names)
            for split, (images, labels) in zip(("train", "test"), parts, strict=True)
        )
        return train, test, Source(self.name, str(cache), how, dict(self.expected))


def _verified_cache(expected: Mapping[str, str], progress: ProgressCallback | None) -> Path | None:
    """The folder of Keras's cache, if it holds all the expected files, verified; else None."""
    cache = _used_folder()
    if not all((cache / file).is_file() for file in expected):
        return None
    verify_files(cache, expected, "delete it, and it will be downloaded again", progress)
    return cache


def _used_folder() -> Path:
    """The folder that Keras is going to read: what lies in another is not what was verified."""
    home, *others = keras_cache_folders()
    there = next(path for path in home.parents if path.exists())  # Keras asks the folder above
    return home if os.access(there, os.W_OK) or not others else others[0]


@contextlib.contextmanager
def _alone(cache: Path | None, name: str) -> Iterator[None]:
    """Keras unpacks an archive anew each time: of two processes one would read what the other has just emptied."""
    if cache is None:
        yield
        return
    with contextlib.ExitStack() as stack:
        lock = locks.hold(cache / "cifarlab.lock", f"{name} is being read", "try again", seconds=_PATIENCE_SECONDS)
        try:
            stack.enter_context(lock)
        except locks.BusyError:
            raise
        except CifarlabError as error:  # a cache that others own can be read all the same
            _log.info("%s is read without a lock: %s", name, error)
        yield
