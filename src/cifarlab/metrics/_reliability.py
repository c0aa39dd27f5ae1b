"""Confidence against accuracy: the bins of a reliability diagram, and the calibration error over any bins."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cifarlab.metrics._confusion import DRAWS, SEED
from cifarlab.metrics._per_class import inflation
from cifarlab.metrics.statistics import intervals
from cifarlab.runs.predictions import Predictions
from cifarlab.utils.results import Interval, ReliabilityBin

BINS = 15


def reliability(predictions: Predictions) -> tuple[ReliabilityBin, ...]:
    """The bins of a reliability diagram, 15 of equal width, each with its upper edge; empty ones are left out."""
    judged, edges = judge(predictions), equal_width_edges()
    bins = assign(judged.confidence, edges)
    counts = np.bincount(bins, minlength=len(edges) - 1)
    sums = np.bincount(bins, judged.confidence, len(edges) - 1)
    hits = np.bincount(bins, judged.correct, len(edges) - 1)
    means = sums / np.maximum(counts, 1)
    accuracies = [intervals.wilson(int(right), int(count)) for right, count in zip(hits, counts, strict=True)]
    numbers = (edges[:-1].tolist(), edges[1:].tolist(), counts.tolist(), means.tolist(), accuracies)
    rows = (ReliabilityBin(*row) for row in zip(*numbers, strict=True))
    return tuple(row for row in rows if row.count)


@dataclass(frozen=True, eq=False)
class Judged:
    """What calibration is about.

    Attributes:
        confidence: `(N,)` float64, the probability of each answer.
        correct: `(N,)` bool, whether it is right.
        labels: `(N,)` int64, the true classes.
    """

    confidence: NDArray[np.float64]
    correct: NDArray[np.bool_]
    labels: NDArray[np.int64]


def judge(predictions: Predictions) -> Judged:
    """Each answer's confidence, and whether it is right."""
    return Judged(predictions.confidence, predictions.correct, predictions.labels)


def equal_width_edges() -> NDArray[np.float64]:
    """`(BINS + 1,)` float64 from 0 to 1."""
    return np.linspace(0.0, 1.0, BINS + 1)


def equal_mass_edges(confidence: NDArray[np.float64], bins: int = BINS) -> NDArray[np.float64]:
    """Edges between which equally many images lie, as far as equal confidences, which stay together, allow.

    Args:
        confidence: `(N,)` float64 in `[0, 1]`, N at least 1.
        bins: At most so many; fewer than N images give one each.

    Returns:
        `(B + 1,)` float64 from 0 to 1, strictly ascending.
    """
    ranks = np.ceil(np.arange(1, bins) * len(confidence) / bins).astype(np.int64) - 1
    inner = np.unique(np.sort(confidence)[ranks])
    return np.concatenate([[0.0], inner[(inner > 0) & (inner < 1)], [1.0]])


def assign(confidence: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.int64]:
    """`(N,)` int64: the bin of each image; a bin holds its upper edge, the first also 0."""
    return np.asarray(np.searchsorted(edges[1:-1], confidence, side="left"), np.int64)


def calibration_error(judged: Judged, edges: NDArray[np.float64]) -> Interval:
    """Gap between confidence and accuracy, averaged over bins by their size, with its interval.

    Args:
        judged: N images, at least one.
        edges: `(B + 1,)` float64, ascending.
    """
    bins = assign(judged.confidence, edges)
    # A bin's gap is the mean of confidence minus correctness, weighted by its share of the images: so the sum of the
    # absolute gaps is the error. Chance makes each absolute gap larger: the value is biased upwards, by about the noise
    # of N / B images a bin, and most where the truth is near 0. The value stays the one that papers report; the
    # interval is what corrects for the bias, by asking which true errors would give such a value.
    gaps = np.bincount(bins, judged.confidence - judged.correct, len(edges) - 1) / len(bins)  # (B,)
    value = min(1.0, float(np.abs(gaps).sum()))  # rounding may have gone above
    if judged.correct.all() or not judged.correct.any():
        return _one_outcome(value, len(bins))
    return intervals.bootstrap_norm(value, gaps, gap_noise(judged, bins, len(gaps)), highest=1.0)


def _one_outcome(value: float, count: int) -> Interval:
    """What can be said where every answer is right, or every one wrong, so that no resample differs.

    If a share r of the answers is of the other outcome in truth, no bin's gaps can change the sum by more than r in
    all. So the truth is within the highest r that Wilson's interval leaves.
    """
    _, rate = intervals.wilson_limits(0, count)
    method = "Wilson 95 % of the outcome that no image has: the error is at most so far away"
    return Interval(value, max(0.0, value - rate), min(1.0, value + rate), method)


def gap_noise(judged: Judged, bins: NDArray[np.int64], num_bins: int) -> NDArray[np.float64]:
    """How the gaps of all bins vary when the images are drawn again, class by class, `DRAWS` times.

    Images of one class, one bin and one outcome are counted, not drawn one by one: their number comes from the
    multinomial distribution, and what their confidences differ by inside the bin from the normal one.

    Args:
        judged: N images.
        bins: `(N,)` int64, the bin of each.
        num_bins: B.

    Returns:
        `(D, B)` float64 with a mean of about 0.
    """
    random = np.random.default_rng(SEED)
    mean, variance = _moments(judged.confidence, bins, num_bins)
    gap = np.stack([mean, mean - 1], axis=1).ravel()  # (2B,): of an image that is wrong, and of one that is right
    sums, images = np.zeros((DRAWS, num_bins)), np.zeros((DRAWS, num_bins))
    centre = np.zeros(num_bins)
    for count, chance in _chances(judged, bins, num_bins):
        drawn = random.multinomial(count, chance, size=DRAWS)  # (D, 2B)
        sums += (drawn * gap).reshape(DRAWS, num_bins, 2).sum(axis=2)
        images += drawn.reshape(DRAWS, num_bins, 2).sum(axis=2)
        centre += (count * chance * gap).reshape(num_bins, 2).sum(axis=1)
    noise = sums - centre + np.sqrt(images * variance) * random.standard_normal((DRAWS, num_bins))
    return np.asarray(noise / len(bins) * np.sqrt(inflation(np.bincount(judged.labels))))


def _moments(
    confidence: NDArray[np.float64], bins: NDArray[np.int64], num_bins: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and variance of the confidences in each bin; 0 in an empty one."""
    counts = np.maximum(np.bincount(bins, minlength=num_bins), 1)
    mean = np.bincount(bins, confidence, num_bins) / counts
    return mean, np.bincount(bins, (confidence - mean[bins]) ** 2, num_bins) / counts


def _chances(judged: Judged, bins: NDArray[np.int64], num_bins: int) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """For each class its images, and the chance `(2B,)` of each bin and outcome, wrong before right.

    Every bin gets one made-up image, half of it right: else a bin without mistakes would seem certain to have none.
    """
    in_bin = np.bincount(bins, minlength=num_bins)
    for label in np.flatnonzero(np.bincount(judged.labels)):
        own = judged.labels == label
        counts = np.bincount(bins[own], minlength=num_bins)
        hits = np.bincount(bins[own], judged.correct[own], num_bins)
        prior = 1 / np.maximum(in_bin, 1)
        right = (hits / np.maximum(counts, 1) + prior / 2) / (1 + prior)
        share = counts / counts.sum()
        yield int(own.sum()), np.stack([share * (1 - right), share * right], axis=1).ravel()
