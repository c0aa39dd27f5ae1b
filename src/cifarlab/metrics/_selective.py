"""Selective prediction: how often a model errs if it may stay silent where it is least sure."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy import special

from cifarlab.metrics.statistics import intervals
from cifarlab.metrics.statistics.intervals import CONFIDENCE
from cifarlab.runs.predictions import Predictions
from cifarlab.utils.results import Interval, RiskCoverage, RiskPoint

COVERAGES = (0.5, 0.8, 0.9, 0.95)
_MOST_POINTS = 200


def risk_coverage(predictions: Predictions) -> RiskCoverage:
    """Share of wrong answers among the surest images, for every share of images answered.

    Images of equal confidence count alike: each of them is as wrong as they are on average.

    Args:
        predictions: N images, at least one.

    Source: Geifman and El-Yaniv 2017, arXiv:1705.08500; area: Geifman, Uziel and El-Yaniv 2019, arXiv:1805.08206.
    """
    confidence, wrong = _by_confidence(predictions)
    risks = _risks(_share_ties(confidence, wrong))
    shown = np.unique(np.linspace(0, len(risks) - 1, min(_MOST_POINTS, len(risks))).round().astype(np.int64))
    return RiskCoverage(
        coverage=tuple(((shown + 1) / len(risks)).tolist()),
        risk=tuple(risks[shown].tolist()),
        area=_area(confidence, wrong),
        best_area=float(_risks(np.sort(wrong)).mean()),
        points=tuple(_point(coverage, confidence, wrong) for coverage in COVERAGES),
    )


def area_under_risk(predictions: Predictions) -> Interval:
    """The `area` of `risk_coverage` alone, of at least one image."""
    return _area(*_by_confidence(predictions))


def _by_confidence(predictions: Predictions) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """`(N,)` float64 each: confidence, the surest first, and 1 where that answer is wrong, else 0."""
    order = np.argsort(-predictions.confidence, kind="stable")
    return predictions.confidence[order], (~predictions.correct[order]).astype(np.float64)


def _risks(wrong: NDArray[np.float64]) -> NDArray[np.float64]:
    """`(N,)` float64: share of mistakes among the first 1, 2, ... N images."""
    return np.asarray(np.cumsum(wrong) / np.arange(1, len(wrong) + 1))


def _share_ties(confidence: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """`(N,)` float64: each image's value, averaged over those of the same confidence."""
    _, place, counts = np.unique(-confidence, return_inverse=True, return_counts=True)
    return np.asarray((np.bincount(place, values) / counts)[place])


def _area(confidence: NDArray[np.float64], wrong: NDArray[np.float64]) -> Interval:
    """Mean risk over all coverages, with Student's t interval from each image's influence on it.

    An image adds its own mistake at every coverage that includes it, and makes the mistakes of all that are less sure
    weigh less: the area is the mean of N such influences, in the limit of many images. Images of equal confidence are
    included at the same coverages, on average over the orders in which they could stand.
    """
    count = len(wrong)
    shared = _share_ties(confidence, wrong)
    value = float(_risks(shared).mean())
    if count == 1:
        return Interval(value, None, None, "no interval from one image")
    mistakes = int(wrong.sum())
    if mistakes in (0, count):
        return _one_sided_area(value, mistakes, count)
    # The area is no mean of independent numbers: a mistake also moves the risk at every coverage that includes it. But
    # to first order it is the mean of one influence an image, and these are independent (Hampel's influence function).
    ranks = np.arange(1, count + 1)
    included = np.cumsum((1 / ranks)[::-1])[::-1]  # sum of 1/k over k >= rank
    diluted = np.cumsum((shared / ranks)[::-1])[::-1]
    influence = wrong * _share_ties(confidence, included) - _share_ties(confidence, diluted) + wrong.mean() - value
    error = float(influence.std(ddof=1)) / math.sqrt(count)
    half = float(special.stdtrit(count - 1, 0.5 + CONFIDENCE / 2)) * error
    return Interval(value, max(0.0, value - half), min(1.0, value + half), "Student's t 95 % of the influences")


def _one_sided_area(value: float, mistakes: int, count: int) -> Interval:
    """What can be said where no image is wrong, or each one: the influences do not vary, and yet nothing is certain.

    No image wrong does not say where the mistakes of more images would stand. With a risk r and all mistakes the
    surest answers, the risk at coverage c is min(c, r) / c, and the area r (1 - log r), the most it can be. So the area
    is under that for the highest r that Wilson's interval leaves; where all are wrong, likewise with right and wrong
    exchanged.
    """
    _, rate = intervals.wilson_limits(0, count)  # no mistakes, or nothing right
    most = rate * (1 - math.log(rate))
    if mistakes == 0:
        return Interval(value, 0.0, most, "Wilson 95 % of the risk, at most r (1 - log r): no image is wrong")
    return Interval(value, 1 - most, 1.0, "Wilson 95 % of the risk, at least its mirror image: every image is wrong")


def _point(coverage: float, confidence: NDArray[np.float64], wrong: NDArray[np.float64]) -> RiskPoint:
    """What answering so many images means; images as sure as the last one are answered too."""
    threshold = float(confidence[max(1, math.ceil(coverage * len(confidence))) - 1])
    count = int((confidence >= threshold).sum())
    return RiskPoint(count / len(confidence), threshold, count, intervals.wilson(int(wrong[:count].sum()), count))
