"""Out-of-sample probabilities: the mean of several runs, or the folds of one training, joined."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cifarlab.runs.predictions import Predictions
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
    """The probabilities of K models, each of the images that it left out of its training.

    Args:
        predictions: Whose ids together are the expected ones, each once.
        expected_ids: `(N,)` str, all training images.

    Raises:
        CifarlabError: If an image was left out twice or never, or the classes differ.
    """
    ids = np.concatenate([each.ids for each in predictions])
    if len({each.class_names for each in predictions}) != 1:
        raise CifarlabError("the folds have different classes: give the runs of one cifarlab train --folds K")
    present, expected = set(ids.tolist()), set(expected_ids.tolist())
    repeated = len(ids) - len(present)
    if repeated:
        raise CifarlabError(
            f"{counted(repeated, 'image')} {'is' if repeated == 1 else 'are'} left out by more than one of these "
            f"{counted(len(predictions), 'run')}: give the runs of one cifarlab train --folds K"
        )
    if present != expected:
        raise CifarlabError(
            f"{'this run' if len(predictions) == 1 else f'these {len(predictions)} runs'} left out "
            f"{len(present & expected):,} of the {counted(len(expected), 'training image')}: every one must be left "
            "out once; give all runs of one cifarlab train --folds K"
        )
    order = rows_of(ids, expected_ids)
    labels = np.concatenate([each.labels for each in predictions])[order]
    probabilities = np.concatenate([each.probabilities for each in predictions])[order]
    return OutOfSampleProbabilities(expected_ids, labels, probabilities, predictions[0].class_names)
