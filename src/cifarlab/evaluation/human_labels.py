"""Other people's eyes: how many persons called each test image what, beside what the model calls it.

CIFAR-10H has about fifty answers for each of CIFAR-10's test images, as counts in the order of the test set.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cifarlab.evaluation.human_comparison import HumanComparison
from cifarlab.metrics.statistics.correlation import pearson, spearman
from cifarlab.metrics.statistics.intervals import mean, share, wilson
from cifarlab.runs.predictions import Predictions
from cifarlab.utils.array_files import BROKEN_ARCHIVE, read_array
from cifarlab.utils.arrays import Array
from cifarlab.utils.errors import CifarlabError, say_error
from cifarlab.utils.homes import expand
from cifarlab.utils.text import counted, percent

DATA, SPLIT = "cifar10", "test"
LEAST_SHARE = 0.2
"""An image that this share of people get wrong counts as one that people get wrong too."""
_LEAST_AGREEMENT = 0.5
_ROUNDING = 1e-9  # 1 - 0.8 is less than 0.2


@dataclass(frozen=True, eq=False)
class HumanLabels:
    """What people called the images.

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
        """`(N,)` int64: the class that most people named; -1 where there is no single first."""
        most = self.counts.max(axis=1, keepdims=True)
        tied = (self.counts == most).sum(axis=1) > 1
        return np.where(tied, -1, self.counts.argmax(axis=1))


@dataclass(frozen=True)
class SharedMistake:
    """An image that the model gets wrong, and people too.

    Attributes:
        humans_wrong: Share of people who did not give the label.
        humans_said_the_same: Share of people who gave the model's answer.
        answers: How many people were asked.
    """

    id: str
    label: str
    said: str
    humans_wrong: float
    humans_said_the_same: float
    answers: int

    @property
    def sentence(self) -> str:
        """For the model's user."""
        wrong = percent(self.humans_wrong, 0)
        return f"Your model is wrong here ({self.said} instead of {self.label}), and so were {wrong} of people."


def open_human_labels(path: str | Path, data: str, split: str) -> HumanLabels:
    """Read the counts for a split of a data set, if that is what people were asked about.

    Args:
        path: As for `load_human_labels`.
        data: Name of the data set that is evaluated.
        split: Which of its images.

    Raises:
        CifarlabError: If these are other images than CIFAR-10's test set, or the file is missing or holds something
            else.
    """
    if (data, split) != (DATA, SPLIT):
        raise CifarlabError(
            f"the human labels are of the {SPLIT} images of {DATA}, these are the {split} images of {data}: leave out "
            "--human-labels"
        )
    return load_human_labels(path)


def score_with_humans(predictions: Predictions, humans: HumanLabels, *, own_order: bool = True) -> HumanComparison:
    """What `compare_with_humans` says, once it is sure that row n of the counts is about image n of the predictions.

    Args:
        predictions: Of the whole test set.
        humans: Of the test set.
        own_order: Also demand the ids of the test set in its own order; a file from elsewhere may have other ids.

    Raises:
        CifarlabError: If the images are others or in another order, or people's answers do not fit the labels.
    """
    if own_order:
        _check_own_order(predictions)
    found = compare_with_humans(predictions, humans)
    agreement = found.agreement.value
    if agreement is not None and agreement < _LEAST_AGREEMENT:
        raise CifarlabError(
            f"only {percent(agreement, 0)} of people's answers are the labels: expected counts and predictions both in "
            f"the order of the {SPLIT} set of {DATA}"
        )
    return found


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
    file = expand(path)
    if file.exists() and not file.is_file():  # a pipe would be waited for
        raise CifarlabError(f"{file} is no regular file: expected counts in NumPy's format, .npy")
    try:
        stored = read_array(file)
    except BROKEN_ARCHIVE as error:
        raise CifarlabError(
            f"cannot read {file}: expected counts in NumPy's format, .npy ({say_error(error)})"
        ) from error
    expected = f"expected counts, ({count}, {classes}) whole numbers, one row a test image"
    if stored.shape != (count, classes):
        raise CifarlabError(f"{file} holds {stored.shape}: {expected}")
    if stored.dtype.kind not in "iuf" or not np.isfinite(stored).all() or (stored != np.round(stored)).any():
        raise CifarlabError(
            f"{file} holds {stored.dtype} that are no counts: {expected}; not the file of probabilities"
        )
    counts = stored.astype(np.int64)
    if counts.min() < 0 or counts.sum(axis=1).min() < 1:
        raise CifarlabError(f"{file} has negative counts or images that nobody named: {expected}")
    return HumanLabels(counts)


def compare_with_humans(predictions: Predictions, humans: HumanLabels, rows: Array | None = None) -> HumanComparison:
    """How the model's answers lie beside people's.

    Args:
        predictions: N images.
        humans: Of the test set.
        rows: `(N,)` int: each image's row in `humans`; by default the rows are in the order of the predictions.

    Raises:
        CifarlabError: If the numbers of images or classes differ.
    """
    part = _rows(predictions, humans, rows)
    shares, majority = part.shares, part.majority
    clear = majority >= 0
    by_label = shares[np.arange(len(predictions)), predictions.labels]
    crossed = -(shares * predictions.log_probabilities).sum(axis=1)
    entropy = -np.where(shares > 0, shares * np.log(np.where(shares > 0, shares, 1)), 0).sum(axis=1)
    model_entropy = -(predictions.probabilities * predictions.log_probabilities).sum(axis=1)
    wrong = ~predictions.correct
    shared = int((wrong & (1 - by_label >= LEAST_SHARE - _ROUNDING)).sum())
    return HumanComparison(
        count=len(predictions),
        tied=int((~clear).sum()),
        mistakes=int(wrong.sum()),
        shared_mistakes=wilson(shared, int(wrong.sum()), nothing="no mistakes"),
        accuracy_against_majority=share((predictions.predicted == majority)[clear]),
        human_accuracy=share((predictions.labels == majority)[clear]),
        agreement=mean(by_label, highest=1.0),
        cross_entropy=mean(crossed),
        human_entropy=mean(entropy),
        divergence=mean(np.maximum(crossed - entropy, 0)),
        model_entropy=mean(model_entropy),
        entropy_pearson=pearson(model_entropy, entropy),
        entropy_spearman=spearman(model_entropy, entropy),
    )


def shared_mistakes(
    predictions: Predictions, humans: HumanLabels, rows: Array | None = None, least: float = LEAST_SHARE
) -> list[SharedMistake]:
    """Images that the model gets wrong, and that many people get wrong too, most of them first.

    Args:
        predictions: N images.
        humans: Of the test set.
        rows: As in `compare_with_humans`.
        least: Smallest share of people who were wrong.
    """
    part = _rows(predictions, humans, rows)
    every = np.arange(len(predictions))
    wrong = 1 - part.shares[every, predictions.labels]
    same = part.shares[every, predictions.predicted]
    chosen = np.flatnonzero(~predictions.correct & (wrong >= least - _ROUNDING))
    order = chosen[np.lexsort((chosen, -wrong[chosen]))]
    names = predictions.class_names
    return [
        SharedMistake(
            id=str(predictions.ids[row]),
            label=names[predictions.labels[row]],
            said=names[predictions.predicted[row]],
            humans_wrong=float(wrong[row]),
            humans_said_the_same=float(same[row]),
            answers=int(part.counts[row].sum()),
        )
        for row in order
    ]


def _check_own_order(predictions: Predictions) -> None:
    for number, image_id in enumerate(predictions.ids.tolist()):
        expected = f"{SPLIT}-{number:05d}"
        if image_id != expected:
            raise CifarlabError(
                f"people's counts are in the order of the {SPLIT} set of {DATA}, the predictions are not: image "
                f"{number} is {image_id} instead of {expected}; evaluate again"
            )


def _rows(predictions: Predictions, humans: HumanLabels, rows: Array | None) -> HumanLabels:
    if rows is None and len(humans.counts) != len(predictions):
        named = counted(len(humans.counts), "image")
        raise CifarlabError(
            f"the human labels are of {named}, the predictions of {len(predictions):,}: evaluate on the whole test set"
        )
    if humans.counts.shape[1] != len(predictions.class_names):
        classes = counted(humans.counts.shape[1], "class", "classes")
        raise CifarlabError(f"people chose among {classes}, the model among {len(predictions.class_names)}")
    return humans if rows is None else HumanLabels(humans.counts[rows])
