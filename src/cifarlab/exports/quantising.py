"""Fewer bits a number: what a format is told of it, from which pictures ranges are found, and what it may cost."""

from dataclasses import dataclass

import numpy as np

from cifarlab.metrics.statistics.significance import paired_difference
from cifarlab.utils.arrays import Array
from cifarlab.utils.images import Pixels
from cifarlab.utils.results import Interval

CALIBRATION_PICTURES = 500
MOST_LOST = 1.0
"""Points of accuracy that a quantised network may lose, where the user says nothing."""


@dataclass(frozen=True, eq=False)
class Quantising:
    """What a format is told.

    Attributes:
        kind: `"float16"`, `"int8"`, or None.
        pictures: `(M, H, W, C)` uint8 from training, for the ranges of activations; None where none are needed.
    """

    kind: str | None = None
    pictures: Pixels | None = None


def choose_calibration(images: Pixels) -> Pixels:
    """Training pictures from all over the set, always the same: at most `CALIBRATION_PICTURES`."""
    rows = np.random.default_rng(0).permutation(len(images))[:CALIBRATION_PICTURES]
    return images[np.sort(rows)]


def accuracy_change(run: Array, file: Array, labels: Array) -> Interval:
    """How much more often a quantised network is right than the run, on the same pictures.

    Args:
        run: `(N, K)`, the run's logits.
        file: `(N, K)`, the file's.
        labels: `(N,)` int.

    Returns:
        A difference of fractions, negative where accuracy is lost.
    """
    before, after = run.argmax(axis=1) == labels, file.argmax(axis=1) == labels
    counts = [int((first & second).sum()) for first in (after, ~after) for second in (before, ~before)]
    both, only_file, only_run, neither = counts
    return paired_difference(both, only_file, only_run, neither)
