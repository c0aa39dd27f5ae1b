"""CIFAR-10 with classes of very different size in training: a data set like any other, to try `class_weight` on.

    cifarlab train mlp1 --data benchmarks/long_tail.py --set class_weight=balanced

Of each class there are fewer than of the one before it by the same factor, from 5,000 airplanes to 50 trucks (Cui et
al. 2019, arXiv:1901.05555). The test images are all there: of equal classes, balanced accuracy is accuracy.
"""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np

from cifarlab.datasets import ImageSet, Source, cifar10
from cifarlab.utils.arrays import Array

LARGEST_TO_SMALLEST = 100


def load(
    *,
    data_dir: Path | None = None,
    argument: str = "",
    download: bool = True,
    progress: Callable[[str, float], None] | None = None,
) -> tuple[ImageSet, ImageSet, Source]:
    """CIFAR-10 with a long tail of rare classes in training; as `cifarlab.datasets.cifar10.load`."""
    train, test, source = cifar10.load(data_dir=data_dir, argument=argument, download=download, progress=progress)
    kept = train.take(long_tail(train.labels, len(train.class_names)))
    return kept, test, dataclasses.replace(source, name=str(Path(__file__)))


def long_tail(labels: Array, num_classes: int) -> Array:
    """Rows of the first images of each class, as many as its place in the order leaves; sorted."""
    rows = []
    for label in range(num_classes):
        members = np.flatnonzero(labels == label)
        rows.append(members[: round(len(members) * LARGEST_TO_SMALLEST ** (-label / (num_classes - 1)))])
    return np.sort(np.concatenate(rows))
