"""Out-of-sample probabilities: those of several runs, or of the folds of trainings, pooled into one.

Models are not equally good. In a plain mean a weak one hides what a strong one finds, so several models are pooled by
their logarithms, each with an exponent: those under which the labels, most of which are right, are most probable.

Source: Heskes 1998, Selecting weighting factors in logarithmic opinion pools, NIPS 10.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax

from cifarlab.runs.predictions import Predictions
from cifarlab.runs.training_dynamics import Dynamics
from cifarlab.utils.arrays import Array, rows_of
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.text import counted

_LARGEST = float(np.finfo(np.float16).max)  # that a run records


@dataclass(frozen=True, eq=False)
class OutOfSampleProbabilities:
    """The class probabilities that models give images which they were not trained on.

    Attributes:
        ids: `(N,)` str, unique.
        labels: `(N,)` int64, the labels given.
        probabilities: `(N, K)` float64, rows sum to 1.
        class_names: K names.
        exponents: How much each of M models counts; see `pool_runs`.
    """

    ids: Array
    labels: Array
    probabilities: Array
    class_names: tuple[str, ...]
    exponents: Array = field(default_factory=lambda: np.ones(1))


def pool_runs(predictions: Sequence[Predictions]) -> OutOfSampleProbabilities:
    """What several models say of the same images, pooled; of one model, its probabilities as they are.

    Raises:
        CifarlabError: If they are not about the same images, labels and classes.
    """
    first = predictions[0]
    for each in predictions[1:]:
        if len(np.setxor1d(each.ids, first.ids)) or each.class_names != first.class_names:
            raise CifarlabError("the runs were not evaluated on the same images: evaluate them on one data set")
        if (each.labels[rows_of(each.ids, first.ids)] != first.labels).any():
            raise CifarlabError("the runs were evaluated on other labels of the same images: evaluate them again")
    probabilities, exponents = pool(predictions, first.ids, first.labels)
    return OutOfSampleProbabilities(first.ids, first.labels, probabilities, first.class_names, exponents)


def join_folds(predictions: Sequence[Predictions], expected_ids: Array) -> OutOfSampleProbabilities:
    """The probabilities of models that left out parts of their training images, each of its own part.

    Args:
        predictions: Of the K runs of one training in folds, whose ids together are the expected ones; or of several
            such trainings, pooled: of other seeds or recipes, also with another K.
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
    labels, times = np.full(len(expected_ids), -1, np.int64), np.zeros(len(expected_ids), np.int64)
    for each in predictions:
        rows = rows_of(expected_ids, each.ids)
        if ((labels[rows] != each.labels) & (times[rows] > 0)).any():
            raise CifarlabError("the folds were evaluated on other labels of the same images: evaluate them again")
        labels[rows] = each.labels
        times[rows] += 1
    if repeated := int((times > times.min()).sum()):
        raise CifarlabError(
            f"{counted(repeated, 'image')} {'is' if repeated == 1 else 'are'} left out by more of these "
            f"{counted(len(predictions), 'run')} than others: give all runs of each cifarlab train --folds K"
        )
    probabilities, exponents = pool(predictions, expected_ids, labels)
    return OutOfSampleProbabilities(expected_ids, labels, probabilities, predictions[0].class_names, exponents)


def pool(predictions: Sequence[Predictions], ids: Array, labels: Array) -> tuple[Array, Array]:
    """What M models say together of images that each of them may have been asked about or not.

    Args:
        predictions: Of each model, about images that are all among `ids`, with the same classes.
        ids: `(N,)` str, each asked by at least one model.
        labels: `(N,)` int64, the labels given.

    Returns:
        `(N, K)` float64, the softmax of the sum of the log probabilities of the models that were asked, each times its
        exponent; and the `(M,)` exponents.
    """
    if len(predictions) == 1:
        return np.asarray(predictions[0].probabilities[rows_of(predictions[0].ids, ids)]), np.ones(1)
    asked = [(rows_of(ids, each.ids), each.log_probabilities) for each in predictions]  # (n,) and (n, K) of each
    every, classes = np.arange(len(ids)), asked[0][1].shape[1]
    even = np.full(len(asked), 1 / np.mean(np.bincount(np.concatenate([rows for rows, _ in asked]))))

    def log_probabilities(exponents: Array) -> Array:
        total = np.zeros((len(ids), classes))
        for (rows, logs), exponent in zip(asked, exponents, strict=True):
            total[rows] += exponent * logs
        return np.asarray(log_softmax(total, axis=1))

    def loss(exponents: Array) -> tuple[float, Array]:
        said = log_probabilities(exponents)
        error = np.exp(said)
        error[every, labels] -= 1  # (N, K): the gradient by the logits
        slopes = np.array([(error[rows] * logs).sum() for rows, logs in asked])
        # Where every answer is right nothing bounds the exponents: a unit normal prior does, around even shares.
        beyond = exponents - even
        return float(beyond @ beyond / 2 - said[every, labels].sum()), slopes + beyond

    fitted = minimize(loss, even, jac=True, bounds=[(0, None)] * len(asked), method="L-BFGS-B")
    return np.exp(log_probabilities(fitted.x)), fitted.x


def learning_losses(noted: Sequence[Dynamics], ids: Array, weights: Array) -> Array:
    """The mean loss of each image over all epochs of the trainings that learned it.

    Args:
        noted: What M trainings recorded.
        ids: `(N,)` str.
        weights: `(M,)` float, how much each training counts.

    Returns:
        `(N,)` nats; NaN for an image that no training met which counts.
    """
    total, met = np.zeros(len(ids)), np.zeros(len(ids))
    for curves, weight in zip((each.train for each in noted), weights, strict=True):
        known = np.isin(curves.ids, ids)
        rows = rows_of(ids, curves.ids[known])
        losses = np.clip(curves.losses[:, known].astype(np.float64), 0, _LARGEST)  # a file may hold what no loss is
        total[rows] += weight * np.nansum(losses, axis=0)
        met[rows] += weight * curves.met[:, known].sum(axis=0)
    return np.asarray(np.divide(total, met, out=np.full(len(ids), np.nan), where=met > 0))
