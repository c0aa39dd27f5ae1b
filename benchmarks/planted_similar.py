"""CIFAR-10 with 5 % of its training labels changed to a similar class: as `planted_labels.py`, and harder to find.

    cifarlab train convnet94 --data benchmarks/planted_similar.py --folds 4

A truck becomes an automobile, a bird an airplane, a deer a horse, a cat a dog and a dog a cat: about one in ten of
each, drawn with a fixed seed; the other classes keep their labels. The test labels are left as they are.

Source of the pairs: Patrini et al. 2017, arXiv:1609.03683, section 5.
"""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np

from cifarlab.datasets import ImageSet, Source, cifar10
from cifarlab.utils.arrays import Array

SHARE = 0.05
SEED = 0
BECOMES = {"truck": "automobile", "bird": "airplane", "deer": "horse", "cat": "dog", "dog": "cat"}


def load(
    *,
    data_dir: Path | None = None,
    argument: str = "",
    download: bool = True,
    progress: Callable[[str, float], None] | None = None,
) -> tuple[ImageSet, ImageSet, Source]:
    """CIFAR-10 with `SHARE` of its training labels changed; as `cifarlab.datasets.cifar10.load`."""
    train, test, source = cifar10.load(data_dir=data_dir, argument=argument, download=download, progress=progress)
    changed = dataclasses.replace(train, labels=planted(train.labels, train.class_names))
    return changed, test, dataclasses.replace(source, name=str(Path(__file__)))


def planted(labels: Array, names: tuple[str, ...], share: float = SHARE, seed: int = SEED) -> Array:
    """The labels with a share of them replaced by the similar class; `(N,)` int64, always the same ones."""
    similar = np.array([names.index(BECOMES.get(name, name)) for name in names])
    (candidates,) = np.nonzero(similar[labels] != labels)
    chosen = np.random.default_rng(seed).choice(candidates, round(share * len(labels)), replace=False)
    made = labels.copy()
    made[chosen] = similar[labels[chosen]]
    return made
