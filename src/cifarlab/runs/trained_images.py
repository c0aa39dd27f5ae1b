"""Which images a run was trained on, and how many of those that it is asked about are among them.

A training writes the ids of its images and a hash of each one's pixels into `trained-images.npz`, before it begins.
Whatever is evaluated later is held against that: a picture that moved from the training part into the test part, or was
copied there, is counted and named, since a right answer to it is no test. So is one of the validation part, by
which the epoch was chosen.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cifarlab.datasets import ImageSet
from cifarlab.runs import training_dynamics
from cifarlab.runs.layout import RunFiles
from cifarlab.runs.own_labels import load_own_data
from cifarlab.runs.run import Run
from cifarlab.utils import files
from cifarlab.utils.array_files import BROKEN_ARCHIVE, open_arrays
from cifarlab.utils.arrays import Array
from cifarlab.utils.errors import CifarlabError, say_error

_NONE: Array = np.zeros(0, np.uint64)


@dataclass(frozen=True, eq=False)
class Overlap:
    """Which of N images a run was trained on.

    Attributes:
        copies: `(N,)` bool: the same pixels as a training image.
        renamed: `(N,)` bool: the id of a training image, but other pixels than any.
        chosen_by: `(N,)` bool: no training image, but one of the validation images that the epoch was chosen by.
    """

    copies: Array
    renamed: Array
    chosen_by: Array

    @property
    def trained_on(self) -> Array:
        """`(N,)` bool: one or the other."""
        return np.asarray(self.copies | self.renamed)

    @property
    def seen(self) -> Array:
        """`(N,)` bool: trained on, or used to choose the epoch."""
        return np.asarray(self.trained_on | self.chosen_by)


@dataclass(frozen=True, eq=False)
class TrainedImages:
    """What is known of the images that a run was trained on.

    Attributes:
        ids: `(M,)` str.
        hashes: `(M,)` uint64, of each one's pixels; None where only the ids are known.
        validation: `(V,)` uint64, of the validation images' pixels; none where they are not known.
        before: `(W,)` uint64, of the images that the weights it began with were trained on, as far as they are known.
    """

    ids: Array
    hashes: Array | None
    validation: Array
    before: Array = field(default_factory=lambda: _NONE)

    @property
    def all_hashes(self) -> Array:
        """Of its own training images and those before; none where the pixels of its own are not known."""
        return _NONE if self.hashes is None else np.unique(np.concatenate([self.hashes, self.before]))


def hash_images(images: Array) -> Array:
    """A 64-bit BLAKE2b of each image's pixels: no two of a million images share one by accident (3 in 10^8).

    Args:
        images: `(N, H, W, C)` uint8.

    Returns:
        `(N,)` uint64.
    """
    # Contiguous, so that each image's memory can be hashed without a copy.
    digests = (hashlib.blake2b(image.data, digest_size=8).digest() for image in np.ascontiguousarray(images))
    return np.frombuffer(b"".join(digests), np.uint64)


def remember_images(
    run: RunFiles, train: ImageSet, validation: ImageSet | None = None, source: TrainedImages | None = None
) -> None:
    """Write down which images a run is trained on, 8 bytes and an id each, and 8 bytes of each validation image.

    Args:
        run: Where to.
        train: Its training images.
        validation: Its validation images.
        source: What is known of the run whose weights it begins with: it has seen those images too.
    """
    arrays: dict[str, Any] = {"ids": train.ids, "hashes": hash_images(train.images)}
    own = _NONE if validation is None else hash_images(validation.images)
    if validation is not None or source is not None:
        arrays["validation"] = own if source is None else np.concatenate([own, source.validation])
    if source is not None:
        arrays["before"] = source.all_hashes
    files.write_atomically(run.trained_images_file, lambda file: np.savez_compressed(file, **arrays))


def find_overlap(
    run: Run,
    images: ImageSet,
    data: str,
    own_train: Callable[[], ImageSet | None] | None = None,
    *,
    are_validation: bool = False,
) -> Overlap | None:
    """Which images a run was trained on.

    Args:
        run: A trained run.
        images: N images that it is asked about.
        data: The name of their data set: elsewhere the same id means another image.
        own_train: Gives the run's own training images as they are today, asked only for a run of an earlier version
            that did not write them down; by default they are loaded.
        are_validation: Whether these are the run's own validation images: that they are such is no news.

    Returns:
        None where nothing tells what the run was trained on.

    Raises:
        CifarlabError: If what the run wrote down is broken.
    """
    known = known_images(run, own_train)
    if known is None:
        return None
    none = np.zeros(len(images), bool)
    hashes = hash_images(images.images)
    copies = none if known.hashes is None else np.isin(hashes, known.all_hashes)
    same_id = np.isin(images.ids, known.ids) if data == run.data_name else none
    chosen_by = none if are_validation else np.isin(hashes, known.validation) & ~copies & ~same_id
    return Overlap(copies, same_id & ~copies, chosen_by)


def known_images(run: Run, own_train: Callable[[], ImageSet | None] | None = None) -> TrainedImages | None:
    """What is known of the images that a run was trained on; None where nothing tells. See `find_overlap`."""
    return _read(run) or _look_up(run, own_train or (lambda: load_training_images(run)))


def load_training_images(run: Run, data_dir: str | None = None) -> ImageSet | None:
    """The run's own training images as they are today; None where they cannot be had without the network."""
    try:
        return load_own_data(run, data_dir, download=False).train
    except CifarlabError:  # it is not they that were asked for
        return None


def _read(run: RunFiles) -> TrainedImages | None:
    path = run.trained_images_file
    if not path.is_file():
        return None
    try:
        with open_arrays(path) as stored:
            ids, hashes = stored["ids"], stored["hashes"]
            others = [stored.get(name, _NONE) for name in ("validation", "before")]  # none in earlier versions
        for other in others:
            if other.dtype != np.uint64 or other.ndim != 1:
                raise ValueError(f"expected hashes of images. Received: {other.dtype} {other.shape}")
        if ids.dtype.kind != "U" or hashes.dtype != np.uint64 or ids.shape != hashes.shape or ids.ndim != 1:
            raise ValueError(f"expected as many ids as hashes. Received: {ids.dtype} {ids.shape}, {hashes.dtype}")
    except BROKEN_ARCHIVE as error:
        raise CifarlabError(
            f"cannot read {path}: {say_error(error)}; remove it to go on without knowing which images were trained on"
        ) from error
    return TrainedImages(ids, hashes, *others)


def _look_up(run: Run, own_train: Callable[[], ImageSet | None]) -> TrainedImages | None:
    """What else tells: the training images, where they are still the same, or the ids that the training noted."""
    remembered = (run.data.get("fingerprints") or {}).get("train")
    train = own_train()
    # A run that noted no fingerprint is older than fingerprints: today's images are taken for its own.
    if train is not None and remembered in (None, train.fingerprint):
        return TrainedImages(train.ids, hash_images(train.images), _NONE)
    noted = training_dynamics.load(run)
    return None if noted is None else TrainedImages(noted.train.ids, None, _NONE)
