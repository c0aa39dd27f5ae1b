"""Other people's eyes: how many persons called each test image what, beside what the model calls it.

CIFAR-10H has about fifty answers for each of CIFAR-10's test images, as counts in the order of the test set.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cifarlab.errors import CifarlabError
from cifarlab.metrics._intervals import mean, wilson
from cifarlab.records import Array, Predictions


@dataclass(frozen=True, eq=False)
class HumanLabels:
    """What people said.

    Attributes:
        counts: `(N, K)` int64: how many called image n class k; at least one answer an image.
    """

    counts: Array

    @property
    def shares(self) -> Array:
        """`(N, K)` float64, rows sum to 1."""
        return np.asarray(self.counts / self.counts.sum(axis=1, keepdims=True))

    @property
    def majority(self) -> Array:
        """`(N,)` int64: what most said; -1 where there is no single first."""
        most = self.counts.max(axis=1, keepdims=True)
        tied = (self.counts == most).sum(axis=1) > 1
        return np.where(tied, -1, self.counts.argmax(axis=1))


def load_human_labels(path: str | Path, count: int = 10_000, classes: int = 10) -> HumanLabels:
    """Read counts such as CIFAR-10H's `cifar10h-counts.npy`.

    Args:
        path: An array in NumPy's format, `(count, classes)`, whole numbers.
        count: Images in the test set.
        classes: Their classes.

    Raises:
        CifarlabError: If the file is missing, or holds something else.

    Source: Peterson et al. 2019, arXiv:1908.07086; https://github.com/jcpeterson/cifar-10h.
    """
    file = Path(path).expanduser()
    try:
        stored: Any = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise CifarlabError(f"cannot read {file}: expected counts in NumPy's format, .npy ({error})") from error
    expected = f"expected counts, ({count}, {classes}) whole numbers, one row a test image"
    if not isinstance(stored, np.ndarray) or stored.shape != (count, classes):
        raise CifarlabError(f"{file} holds {getattr(stored, 'shape', 'several arrays')}: {expected}")
    if stored.dtype.kind not in "iuf" or not np.isfinite(stored).all() or (stored != np.round(stored)).any():
        raise CifarlabError(
            f"{file} holds {stored.dtype} that are no counts: {expected}; not the file of probabilities"
        )
    counts = stored.astype(np.int64)
    if counts.min() < 0 or counts.sum(axis=1).min() < 1:
        raise CifarlabError(f"{file} has negative counts or images that nobody named: {expected}")
    return HumanLabels(counts)


def compare_with_humans(predictions: Predictions, humans: HumanLabels, rows: Array | None = None) -> dict[str, Any]:
    """How the model's answers lie beside people's.

    Args:
        predictions: N images.
        humans: Of the test set.
        rows: `(N,)` int: each image's row in `humans`; by default the rows are in the order of the predictions.

    Returns:
        `count`; `accuracy_against_majority`, with how many images `tied` and are left out; `human_accuracy`: how often
        the majority gives the label; `agreement`: the mean share of people who gave the label; `cross_entropy`: of the
        model's probabilities under people's answers, in nats, `human_entropy`: its least possible value, and their
        difference `divergence` (Kullback-Leibler); each with its 95 % interval where it is a mean over images.

    Raises:
        CifarlabError: If the numbers of images or classes differ.
    """
    part = _rows(predictions, humans, rows)
    shares, majority = part.shares, part.majority
    clear = majority >= 0
    by_label = shares[np.arange(len(predictions)), predictions.labels]
    crossed = -(shares * predictions.log_probabilities).sum(axis=1)
    entropy = -np.where(shares > 0, shares * np.log(np.where(shares > 0, shares, 1)), 0).sum(axis=1)
    right = int((predictions.predicted == majority)[clear].sum())
    human_right = int((predictions.labels == majority)[clear].sum())
    return {
        "count": len(predictions),
        "tied": int((~clear).sum()),
        "accuracy_against_majority": wilson(right, int(clear.sum())).as_dict(),
        "human_accuracy": wilson(human_right, int(clear.sum())).as_dict(),
        "agreement": mean(by_label).as_dict(),
        "cross_entropy": mean(crossed).as_dict(),
        "human_entropy": mean(entropy).as_dict(),
        "divergence": mean(np.maximum(crossed - entropy, 0)).as_dict(),
    }


def shared_mistakes(
    predictions: Predictions, humans: HumanLabels, rows: Array | None = None, least: float = 0.2
) -> list[dict[str, Any]]:
    """Images that the model gets wrong, and that many people get wrong too, most of them first.

    Args:
        predictions: N images.
        humans: Of the test set.
        rows: As in `compare_with_humans`.
        least: Smallest share of people who were wrong.

    Returns:
        For each: `id`, `label`, `said` (by the model), `humans_wrong` and `humans_said_the_same` (shares), `answers`
        (people) and a `sentence` that says it.
    """
    part = _rows(predictions, humans, rows)
    every = np.arange(len(predictions))
    wrong = 1 - part.shares[every, predictions.labels]
    same = part.shares[every, predictions.predicted]
    chosen = np.flatnonzero((predictions.predicted != predictions.labels) & (wrong >= least))
    order = chosen[np.lexsort((chosen, -wrong[chosen]))]
    names = predictions.class_names
    return [
        {
            "id": str(predictions.ids[row]),
            "label": names[predictions.labels[row]],
            "said": names[predictions.predicted[row]],
            "humans_wrong": float(wrong[row]),
            "humans_said_the_same": float(same[row]),
            "answers": int(part.counts[row].sum()),
            "sentence": f"Your model is wrong here ({names[predictions.predicted[row]]} instead of "
            f"{names[predictions.labels[row]]}), and so were {wrong[row]:.0%} of people.".replace("%", " %"),
        }
        for row in order
    ]


def _rows(predictions: Predictions, humans: HumanLabels, rows: Array | None) -> HumanLabels:
    if rows is None and len(humans.counts) != len(predictions):
        raise CifarlabError(
            f"people named {len(humans.counts)} images, the model {len(predictions)}: evaluate on the whole test set"
        )
    if humans.counts.shape[1] != len(predictions.class_names):
        raise CifarlabError(
            f"people chose among {humans.counts.shape[1]} classes, the model among {len(predictions.class_names)}"
        )
    return humans if rows is None else HumanLabels(humans.counts[rows])
