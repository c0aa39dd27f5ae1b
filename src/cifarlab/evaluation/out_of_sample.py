"""Out-of-sample probabilities: the mean of several runs, or the folds of trainings, joined and averaged."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cifarlab.runs.predictions import Predictions
from cifarlab.runs.training_dynamics import Dynamics
from cifarlab.utils.arrays import Array, rows_of
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.text import counted


@dataclass(frozen=True, eq=False)
class OutOfSampleProbabilities:
    """The class probabilities that models give images which they were not trained on.

    Attributes:
        ids: `(N,)` str, unique.
        labels: `(N,)` int64, the labels given.
        probabilities: `(N, K)` float64, rows sum to 1.
        class_names: K names.
    """

    ids: Array
    labels: Array
    probabilities: Array
    class_names: tuple[str, ...]


def average_runs(predictions: Sequence[Predictions]) -> OutOfSampleProbabilities:
    """The mean of several models' probabilities of the same images.

    Raises:
        CifarlabError: If they are not about the same images, labels and classes.
    """
    first = predictions[0]
    total = np.zeros(first.logits.shape)
    for each in predictions:
        if len(np.setxor1d(each.ids, first.ids)) or each.class_names != first.class_names:
            raise CifarlabError("the runs were not evaluated on the same images: evaluate them on one data set")
        aligned = each.take(rows_of(each.ids, first.ids))
        if (aligned.labels != first.labels).any():
            raise CifarlabError("the runs were evaluated on other labels of the same images: evaluate them again")
        total += aligned.probabilities
    return OutOfSampleProbabilities(first.ids, first.labels, total / len(predictions), first.class_names)


def join_folds(predictions: Sequence[Predictions], expected_ids: Array) -> OutOfSampleProbabilities:
    """The probabilities of models that left out parts of their training images, each of its own part.

    Args:
        predictions: Of the K runs of one training in folds, whose ids together are the expected ones; or of several
            such trainings, whose probabilities are averaged: of other seeds or recipes, also with another K.
        expected_ids: `(N,)` str, all training images.

    Raises:
        CifarlabError: If an image was left out more often than another or never, or labels or classes differ.
    """
    if len({each.class_names for each in predictions}) != 1:
        raise CifarlabError("the folds have different classes: give the runs of one cifarlab train --folds K")
    present, expected = set(np.concatenate([each.ids for each in predictions]).tolist()), set(expected_ids.tolist())
    if present != expected:
        raise CifarlabError(
            f"{'this run' if len(predictions) == 1 else f'these {len(predictions)} runs'} left out "
            f"{len(present & expected):,} of the {counted(len(expected), 'training image')}: every one must be left "
            "out once; give all runs of one cifarlab train --folds K"
        )
    total = np.zeros((len(expected_ids), len(predictions[0].class_names)))
    labels, times = np.full(len(expected_ids), -1, np.int64), np.zeros(len(expected_ids), np.int64)
    for each in predictions:
        rows = rows_of(expected_ids, each.ids)
        if ((labels[rows] != each.labels) & (times[rows] > 0)).any():
            raise CifarlabError("the folds were evaluated on other labels of the same images: evaluate them again")
        labels[rows] = each.labels
        total[rows] += each.probabilities
        times[rows] += 1
    if repeated := int((times > times.min()).sum()):
        raise CifarlabError(
            f"{counted(repeated, 'image')} {'is' if repeated == 1 else 'are'} left out by more of these "
            f"{counted(len(predictions), 'run')} than others: give all runs of each cifarlab train --folds K"
        )
    return OutOfSampleProbabilities(expected_ids, labels, total / times[:, None], predictions[0].class_names)


def learning_losses(noted: Sequence[Dynamics], ids: Array) -> Array:
    """The mean loss of each image over all epochs of the trainings that learned it.

    Args:
        noted: What the trainings recorded.
        ids: `(N,)` str.

    Returns:
        `(N,)` nats; NaN for an image that no training met.
    """
    total, met = np.zeros(len(ids)), np.zeros(len(ids))
    for curves in (each.train for each in noted):
        known = np.isin(curves.ids, ids)
        rows = rows_of(ids, curves.ids[known])
        total[rows] += np.nansum(curves.losses[:, known].astype(np.float64), axis=0)
        met[rows] += curves.met[:, known].sum(axis=0)
    return np.asarray(np.divide(total, met, out=np.full(len(ids), np.nan), where=met > 0))
