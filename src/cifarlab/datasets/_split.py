"""Holding out a part of the images, the same share of every class, reproducibly.

scikit-learn's `StratifiedShuffleSplit` does the same, but importing it takes over a second, more than loading CIFAR-10,
and its choice rests on NumPy's shuffling, which may change between versions. The raw output of a bit generator may not
(NEP 19), so the choice made here is the same in every version.
"""

import hashlib
import math
import mmap

import numpy as np
from numpy.typing import NDArray

from cifarlab.datasets._image_set import ImageSet
from cifarlab.utils.arrays import Array
from cifarlab.utils.errors import CifarlabError

BY_CONTENT = "by content, version 1"
"""Names `choose_by_content` in a run's files: runs made before it have none there."""

_ROWS_AT_ONCE = 1024


def hold_out(image_set: ImageSet, fraction: float, seed: int, fold: int = 0) -> tuple[ImageSet, ImageSet]:
    """Divide images into a part to keep and a part held out; both stay in the original order, in memory of their own.

    Args:
        image_set: The images to divide, by their contents if they have any, see `choose_by_content`; if they are
            memory-mapped, no more memory is taken than the results need.
        fraction: Share to hold out, in `[0, 1)`, see `choose`; 0 gives an empty part.
        seed: Decides which images are held out.
        fold: Which part of that size, see `choose`.

    Returns:
        The part kept and the part held out, without overlap.

    Raises:
        CifarlabError: If so few images have contents that the fold asked for is empty.
    """
    labels, ids, names, contents = image_set.labels, image_set.ids, image_set.class_names, image_set.contents
    if contents is None:
        held = choose(labels, fraction, seed, fold)
    else:
        held = choose_by_content(labels, contents, fraction, seed, fold)
        if fold and not held.any():
            raise CifarlabError(f"fold {fold} holds none of the {len(labels)} pictures: train with fewer folds")
    kept_images, held_images = _divide(image_set.images, held)
    of_kept, of_held = (None, None) if contents is None else (contents[~held], contents[held])
    kept = ImageSet(kept_images, labels[~held], ids[~held], names, of_kept)
    return kept, ImageSet(held_images, labels[held], ids[held], names, of_held)


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


def choose_by_content(labels: Array, contents: Array, fraction: float, seed: int, fold: int = 0) -> NDArray[np.bool_]:
    """Choose images to hold out, each by its own content alone, so that adding and removing others moves none.

    The checksum of a content and the seed is a number in `[0, 1)`; the image is in part k if this is in
    `[k * fraction, (k + 1) * fraction)`, and fold k holds out part k. So a share of about `fraction` is held out,
    copies of an image stay together, and the parts hold every image once.

    In small classes two things are mended, for images of a class that has two different ones: if none is in part 0, the
    one with the lowest number goes there; if all are in one part, the one with the highest number goes to the next. A
    class whose images are all alike is never held out. A mended class is the one place where adding images can move
    another: mostly from a held-out part back to training, which spoils no comparison.

    The content is the file's bytes, not the decoded pixels: these would change with the decoder's version, and with
    them trained images would become test images. The price is that a picture saved again counts as another one.

    Args:
        labels: `(N,)` int.
        contents: `(N,)` str, equal for copies.
        fraction: Share to hold out, in `[0, 1)`.
        seed: Decides which images.
        fold: Which part of that size, from 0, with `fold * fraction` less than 1.

    Returns:
        `(N,)` bool, True where an image is held out.
    """
    if fraction == 0 or not len(labels):
        return np.zeros(len(labels), dtype=bool)
    numbers = {content: _number(content, seed) for content in set(contents.tolist())}
    parts = math.ceil(1 / fraction - 1e-9)
    part = {content: min(int(number / fraction), parts - 1) for content, number in numbers.items()}
    for label in np.unique(labels):
        members = sorted(set(contents[labels == label].tolist()), key=lambda content: (numbers[content], content))
        if len(members) == 1:
            part[members[0]] = -1
            continue
        if all(part[content] != 0 for content in members):
            part[members[0]] = 0
        if len({part[content] for content in members}) == 1:
            part[members[-1]] = (part[members[-1]] + 1) % parts
    return np.array([part[content] == fold for content in contents.tolist()], dtype=bool)


def _number(content: str, seed: int) -> float:
    """In `[0, 1)`: 53 bits of a checksum, which is the same in every version and on every machine."""
    digest = hashlib.blake2b(f"{seed}:{content}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / 2.0**53


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
