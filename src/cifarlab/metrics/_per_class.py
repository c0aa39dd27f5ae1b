"""Precision, recall and F1 of every class, and what the macro averages share."""

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cifarlab.metrics._confusion import confusion_matrix, resample
from cifarlab.metrics.statistics import intervals
from cifarlab.runs.predictions import Classified
from cifarlab.utils.results import ClassScores, Interval


def per_class(predictions: Classified) -> tuple[ClassScores, ...]:
    """Precision, recall and F1 of every class, with intervals.

    Args:
        predictions: N images, K classes.

    Returns:
        K scores. What is undefined is None, and `method` says why.
    """
    counts = count(predictions)
    images = predictions.class_names, counts.support.tolist(), counts.predicted.tolist()
    scores = precisions(counts), recalls(counts), f1_scores(counts)
    return tuple(ClassScores(*row) for row in zip(*images, *scores, strict=True))


@dataclass(frozen=True, eq=False)
class Counts:
    """A confusion matrix and its margins.

    Attributes:
        confusion: `(K, K)` int64, rows true, columns predicted.
    """

    confusion: NDArray[np.int64]

    @property
    def hits(self) -> NDArray[np.int64]:
        """`(K,)` int64: images of the class that were classified correctly."""
        return self.confusion.diagonal()

    @property
    def support(self) -> NDArray[np.int64]:
        """`(K,)` int64: images of the class."""
        return np.asarray(self.confusion.sum(axis=1))

    @property
    def predicted(self) -> NDArray[np.int64]:
        """`(K,)` int64: images predicted as the class."""
        return np.asarray(self.confusion.sum(axis=0))

    @property
    def occurring(self) -> NDArray[np.bool_]:
        """`(K,)` bool: classes with images or predictions; macro averages are over these, as in scikit-learn."""
        return np.asarray(self.support + self.predicted > 0)

    @property
    def inflation(self) -> float:
        """How much a variance is larger than resampling within each class shows: N / (N - K), 1 or more."""
        return inflation(self.support)


def inflation(support: NDArray[np.int64]) -> float:
    """N / (N - K) for K classes with images: what drawing n images again leaves out of a variance, as n - 1 does."""
    total = int(support.sum())
    return total / max(1, total - int((support > 0).sum()))


def count(predictions: Classified) -> Counts:
    """The counts that every number here is made of."""
    return Counts(confusion_matrix(predictions))


def macro_mean(counts: Counts, hits: NDArray[np.int64], of: NDArray[np.int64]) -> float:
    """The share of each class, averaged over the classes that occur; 0 where it is undefined, as in scikit-learn."""
    return float((hits / np.maximum(of, 1))[counts.occurring].mean())


def precisions(counts: Counts) -> list[Interval]:
    """Precision of each class: of the images predicted as it, the share that belong to it."""
    nothing = "no image was predicted as this class"
    pairs = zip(counts.hits.tolist(), counts.predicted.tolist(), strict=True)
    return [intervals.wilson(hits, n, nothing=nothing) for hits, n in pairs]


def recalls(counts: Counts) -> list[Interval]:
    """Recall of each class: of its images, the share that was predicted as it."""
    pairs = zip(counts.hits.tolist(), counts.support.tolist(), strict=True)
    return [intervals.wilson(hits, n, nothing="no image of this class") for hits, n in pairs]


def f1_scores(counts: Counts) -> list[Interval]:
    """F1 of each class: the harmonic mean of precision and recall.

    The interval's width comes from a bootstrap; where resampling shows no spread (all right or all wrong), from
    the overlap.
    """
    values = _f1(counts.hits, counts.support, counts.predicted)
    draws = f1_draws(counts)  # (D, K)
    result = []
    for index, occurs in enumerate(counts.occurring):
        if not occurs:
            result.append(intervals.undefined("no image of this class, and none was predicted as it"))
        elif np.ptp(draws[:, index]) == 0:
            result.append(_f1_of_overlap(counts, index))
        else:
            result.append(intervals.bootstrap_fraction(float(values[index]), draws[:, index], counts.inflation))
    return result


def f1_draws(counts: Counts) -> NDArray[np.float64]:
    """`(D, K)` float64: F1 of each class in each resample; 0 where it is undefined."""
    hits, predicted = resample(counts.confusion)
    return _f1(hits, counts.support, predicted)


def macro_f1_without_draws(counts: Counts, value: float) -> Interval:
    """Macro F1 where resampling shows no doubt: the limits of its classes, combined as those of precision and recall.

    To average the limits themselves would be to say that all classes err the same way at once: for a model that always
    gives one answer, on two images a class, that reaches from 1 to 76 %.
    """
    parts = [_f1_of_overlap(counts, index) for index in np.flatnonzero(counts.occurring).tolist()]
    combined = intervals.mean_of_proportions(value, parts, len(parts))
    return dataclasses.replace(combined, method=f"MOVER from {_OVERLAP_METHOD}")


def _f1(hits: NDArray[np.int64], support: NDArray[np.int64], predicted: NDArray[np.int64]) -> NDArray[np.float64]:
    """F1 = 2 hits / (images + predictions), in any shape `(..., K)`; 0 where both are 0."""
    total = support + predicted
    return np.asarray(2 * hits / np.maximum(total, 1), np.float64)


_OVERLAP_METHOD = "Wilson 95 % on the overlap, as no resample differs"


def _f1_of_overlap(counts: Counts, index: int) -> Interval:
    """F1 = 2J / (1 + J) of J = hits / (images of the class, or predicted as it), with Wilson's limits of J."""
    hits, total = int(counts.hits[index]), int(counts.support[index] + counts.predicted[index])
    low, high = (2 * limit / (1 + limit) for limit in intervals.wilson_limits(hits, total - hits))
    return Interval(2 * hits / total, low, high, _OVERLAP_METHOD)
