"""Holding out a part of the images, the same share of every class, reproducibly.

scikit-learn's `StratifiedShuffleSplit` does the same, but importing it takes over a second, more than loading CIFAR-10,
and its choice rests on NumPy's shuffling, which may change between versions. The raw output of a bit generator may not
(NEP 19), so the choice made here is the same in every version.
"""

import mmap

import numpy as np
from numpy.typing import NDArray

from cifarlab.records import Array, ImageSet

_ROWS_AT_ONCE = 1024


def hold_out(image_set: ImageSet, fraction: float, seed: int, fold: int = 0) -> tuple[ImageSet, ImageSet]:
    """Divide images into a part to keep and a part held out; both stay in the original order, in memory of their own.

    Args:
        image_set: The images to divide; if they are memory-mapped, no more memory is taken than the results need.
        fraction: Share to hold out, in `[0, 1)`, see `choose`; 0 gives an empty part.
        seed: Decides which images are held out.
        fold: Which part of that size, see `choose`.

    Returns:
        The part kept and the part held out, without overlap.
    """
    held = choose(image_set.labels, fraction, seed, fold)
    kept_images, held_images = _divide(image_set.images, held)
    labels, ids, names = image_set.labels, image_set.ids, image_set.class_names
    kept = ImageSet(kept_images, labels[~held], ids[~held], names)
    return kept, ImageSet(held_images, labels[held], ids[held], names)


def choose(labels: Array, fraction: float, seed: int, fold: int = 0) -> NDArray[np.bool_]:
    """Choose images to hold out: the nearest whole number to `fraction` of each class.

    Of a class with two or more images at least one is held out and at least one is kept, unless `fraction` is 0. With
    a fraction of `1 / K`, the folds 0 to K - 1 hold out every image once, if each class has K images or more.

    Args:
        labels: `(N,)` int.
        fraction: Share to hold out, in `[0, 1)`.
        seed: Decides which images.
        fold: Which part of that size, from 0, with `fold * fraction` less than 1.

    Returns:
        `(N,)` bool, True where an image is held out.
    """
    held = np.zeros(len(labels), dtype=bool)
    if fraction == 0:
        return held
    lots = np.random.PCG64(seed).random_raw(len(labels))
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        start = round(fold * fraction * len(members))
        count = min(max(round((fold + 1) * fraction * len(members)) - start, 1), len(members) - 1)
        held[members[np.argsort(lots[members], kind="stable")[start : start + count]]] = True
    return held


def _divide(images: Array, held: NDArray[np.bool_]) -> tuple[Array, Array]:
    """Copies of the images where `held` is False and True; pages of a memory-mapped file are given back once read."""
    count = int(held.sum())
    copies = [np.empty((size, *images.shape[1:]), images.dtype) for size in (len(held) - count, count)]
    filled = [0, 0]
    for start in range(0, len(images), _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        for which, chosen in enumerate((np.flatnonzero(~held[rows]), np.flatnonzero(held[rows]))):
            end = filled[which] + len(chosen)
            # Any other mode makes one more copy.
            np.take(images[rows], chosen, axis=0, out=copies[which][filled[which] : end], mode="clip")
            filled[which] = end
        _give_back_pages(images)
    return copies[0], copies[1]


def _give_back_pages(images: Array) -> None:
    base: object = images.base
    while isinstance(base, np.ndarray):
        base = base.base
    if isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        base.madvise(mmap.MADV_DONTNEED)
