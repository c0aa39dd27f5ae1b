"""CIFAR-10 with 5 % of its training labels changed: a data set like any other, for `planted_errors.py`.

    cifarlab train convnet94 --data benchmarks/planted_labels.py --folds 4

The labels to change are drawn with a fixed seed, evenly over all training images, and each becomes one of the nine
other classes. The test labels are left as they are.
"""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np

from cifarlab.datasets import ImageSet, Source, cifar10
from cifarlab.utils.arrays import Array

SHARE = 0.05
SEED = 0


def load(
    *,
    data_dir: Path | None = None,
    argument: str = "",
    download: bool = True,
    progress: Callable[[str, float], None] | None = None,
) -> tuple[ImageSet, ImageSet, Source]:
    """CIFAR-10 with `SHARE` of its training labels changed; as `cifarlab.datasets.cifar10.load`."""
    train, test, source = cifar10.load(data_dir=data_dir, argument=argument, download=download, progress=progress)
    changed = dataclasses.replace(train, labels=planted(train.labels, len(train.class_names)))
    return changed, test, dataclasses.replace(source, name=str(Path(__file__)))


def planted(labels: Array, num_classes: int, share: float = SHARE, seed: int = SEED) -> Array:
    """The labels with a share of them replaced by another class each; `(N,)` int64, always the same ones."""
    random = np.random.default_rng(seed)
    chosen = random.choice(len(labels), round(share * len(labels)), replace=False)
    made = labels.copy()
    made[chosen] = (labels[chosen] + random.integers(1, num_classes, len(chosen))) % num_classes
    return made
