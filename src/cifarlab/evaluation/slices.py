"""Slices: for which kinds of images a model is worse than for the rest."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy import special
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from cifarlab.datasets import ImageSet
from cifarlab.datasets.exploration import similarity
from cifarlab.datasets.exploration.statistics import brightness_and_contrast
from cifarlab.metrics.statistics.intervals import share
from cifarlab.metrics.statistics.significance import holm
from cifarlab.runs.predictions import Predictions
from cifarlab.utils.arrays import Array
from cifarlab.utils.cache import cache_folder, read_arrays, write_arrays
from cifarlab.utils.results import Interval

FORMAT = 1
PARTS = 5
COPY_GREY_LEVELS = 16.0
"""Images this near to a training image, as root mean square over pixels, count as copies of it."""
FEWEST_COPIES = 20
"""Of fewer nothing can be said; they would only stand first."""
_BLOCK = 500
_WORTH_KEEPING = 50_000_000  # pairs of images: a tenth of CIFAR-10's, half a second


@dataclass(frozen=True)
class Slice:
    """Some of the images, and the accuracy on them.

    Attributes:
        by: The quantity that tells them from the rest.
        difference: From the accuracy on the rest.
        p_value: Fisher's exact test against the rest.
        adjusted_p_value: By Holm, over all slices.
    """

    by: str
    name: str
    low: float
    high: float
    count: int
    accuracy: Interval
    difference: float
    p_value: float
    adjusted_p_value: float = 1.0


@dataclass(frozen=True)
class SliceAccuracy:
    """Accuracy on all images, and on slices of them, the least accurate first."""

    format: int
    count: int
    accuracy: Interval
    slices: tuple[Slice, ...]


def slice_accuracy(predictions: Predictions, images: Array, train: ImageSet | None = None) -> SliceAccuracy:
    """Accuracy on fifths of the images by brightness, contrast and distance to the training images, worst first.

    Args:
        predictions: N images, at least one.
        images: `(N, H, W, C)` uint8, the same images in the same order.
        train: What the model learned from; without it nothing is said about distance and copies.

    Raises:
        ValueError: If there are not as many images as predictions.
    """
    if len(images) != len(predictions) or not len(images):
        raise ValueError(f"expected an image for each prediction. Received: {len(images):,}, {len(predictions):,}")
    correct = predictions.correct
    found = [_measure(correct, *part) for part in _parts(images, train)]
    adjusted = holm([row.p_value for row in found])
    rows = [replace(row, adjusted_p_value=p_value) for row, p_value in zip(found, adjusted, strict=True)]
    ordered = sorted(rows, key=lambda row: (row.accuracy.value or 0.0, row.by, row.low))
    return SliceAccuracy(FORMAT, len(correct), share(correct), tuple(ordered))


def nearest_distances(images: Array, train: Array) -> Array:
    """How far each image is from the training image that is most like it.

    The nearest one is found among 8 x 8 versions, which takes a sixteenth of the work, and measured at full size: the
    result can only be larger than the distance to the truly nearest, and for copies it is the same.

    Args:
        images: `(N, H, W, C)` uint8.
        train: `(M, H, W, C)` uint8, M at least 1.

    Returns:
        `(N,)` float64: root mean square difference in grey levels, 0 to 255.
    """
    small, known = (similarity.shrink(part).reshape(len(part), -1) for part in (images, train))
    # The nearest in |x - t|^2 = |x|^2 + |t|^2 - 2 x t, of which |x|^2 is the same for all t: one matrix product.
    squares = (known**2).sum(axis=1) / 2
    nearest = np.empty(len(images), np.int64)
    with threadpool_limits(None):
        for start in range(0, len(images), _BLOCK):
            nearest[start : start + _BLOCK] = (squares - small[start : start + _BLOCK] @ known.T).argmin(axis=1)
    distances = np.empty(len(images))
    for start in range(0, len(images), _BLOCK):
        gap = images[start : start + _BLOCK].astype(np.float32) - train[nearest[start : start + _BLOCK]]
        distances[start : start + _BLOCK] = np.sqrt((gap**2).mean(axis=(1, 2, 3)))
    return distances


def _kept_distances(images: Array, train: ImageSet) -> Array:
    """`nearest_distances`, which no model changes, kept in the user's cache where it took long."""
    if len(images) * len(train) < _WORTH_KEEPING:
        return nearest_distances(images, train.images)
    state = {"images": hashlib.sha256(np.ascontiguousarray(images).data).hexdigest(), "train": train.fingerprint}
    folder = cache_folder("distances", str(state))
    kept = None if folder is None else read_arrays(folder, state)
    if kept is None or "distances" not in kept or kept["distances"].shape != (len(images),):
        kept = {"distances": nearest_distances(images, train.images)}
        if folder is not None:
            write_arrays(folder, state, kept)  # where nothing can be written, they are computed each time
    return kept["distances"]


def _parts(images: Array, train: ImageSet | None) -> Iterator[tuple[str, str, Array, Array]]:
    """Quantity, name of the slice, the quantity's values `(N,)`, and which images are in it, `(N,)` bool."""
    brightness, contrast = brightness_and_contrast(images)
    yield from _fifths("brightness", ("darkest", "dark", "middle", "bright", "brightest"), brightness)
    yield from _fifths("contrast", ("flattest", "flat", "middle", "strong", "strongest"), contrast)
    if train is not None and len(train) and train.images.shape[1:] == images.shape[1:]:
        distance = _kept_distances(images, train)
        names = ("most like training", "like training", "middle", "unlike training", "most unlike training")
        yield from _fifths("distance to training", names, distance)
        copied = distance <= COPY_GREY_LEVELS
        for name, members in (("copied from training", copied), ("not copied", ~copied)):
            if min(members.sum(), (~members).sum()) >= FEWEST_COPIES:
                yield "copies", name, distance, members


def _fifths(by: str, names: tuple[str, ...], values: Array) -> Iterator[tuple[str, str, Array, Array]]:
    """Five slices of equally many images, fewer where many values are equal: those stay together."""
    edges = np.quantile(values, np.arange(1, PARTS) / PARTS)
    places = np.searchsorted(edges, values, side="left")
    for place, name in enumerate(names):
        members = places == place
        if 0 < members.sum() < len(members):
            yield by, name, values, members


def _measure(correct: Array, by: str, name: str, values: Array, members: Array) -> Slice:
    inside, outside = correct[members], correct[~members]
    table = [[int(part.sum()), int((~part).sum())] for part in (inside, outside)]
    return Slice(
        by=by,
        name=name,
        low=float(values[members].min()),
        high=float(values[members].max()),
        count=len(inside),
        accuracy=share(inside),
        difference=float(inside.mean() - outside.mean()),
        p_value=_fisher(table),
    )


def _fisher(table: list[list[int]]) -> float:
    """Two-sided p value of Fisher's exact test of a 2 x 2 table, as SciPy's, which takes a second to import."""
    (a, b), (c, d) = table
    first, column, total = a + b, a + c, a + b + c + d
    ways = np.arange(max(0, column - c - d), min(first, column) + 1)  # what the first cell can be under these margins
    logs = _log_choose(first, ways) + _log_choose(total - first, column - ways) - _log_choose(total, column)
    found = logs[a - ways[0]]
    # As probable as what was found counts too; computed, equal probabilities differ in their last digits.
    return min(1.0, float(np.exp(logs[logs <= found + 1e-7]).sum()))


def _log_choose(n: int, k: Array | int) -> Array:
    return np.asarray(special.gammaln(n + 1) - special.gammaln(np.add(k, 1)) - special.gammaln(np.subtract(n + 1, k)))
