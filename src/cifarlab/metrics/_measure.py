"""Predictions measured: by one scalar metric, by its name, or by all there are."""

from collections.abc import Callable
from typing import cast

import numpy as np
from numpy.typing import ArrayLike

from cifarlab.metrics._confusion import confusion_matrix
from cifarlab.metrics._per_class import per_class
from cifarlab.metrics.statistics.intervals import Interval, undefined
from cifarlab.runs.predictions import Classified, HardPredictions, Predictions
from cifarlab.runs.scores import Scores
from cifarlab.utils import discovery

NO_PROBABILITIES = "needs probabilities"


def score(
    predictions: Classified | ArrayLike, answers: ArrayLike | None = None, *, probabilities: ArrayLike | None = None
) -> Scores:
    """Every number about these predictions.

    Args:
        predictions: N images, K classes; or their labels, see `measure`.
        answers: See `measure`.
        probabilities: See `measure`.

    Returns:
        The scores alone, without what they are of. A number that is undefined is None; so is one that needs
        probabilities where only classes are known.

    Example:
        >>> score([0, 1, 1], [[2.0, 0.0], [0.0, 1.0], [3.0, 0.0]]).confusion_matrix
        ((1, 0), (1, 1))
    """
    predictions = _classified(predictions, answers, probabilities)
    scores = {name: measure(name, predictions) for name in names()}
    return Scores(
        count=len(predictions),
        class_names=predictions.class_names,
        accuracy=scores["accuracy"].value,
        loss=scores["negative_log_likelihood"].value,
        scores=scores,
        per_class=per_class(predictions),
        confusion_matrix=tuple(map(tuple, confusion_matrix(predictions).tolist())),
    )


def names() -> list[str]:
    """Names of all scalar metrics, sorted."""
    return discovery.names("metrics")


def measure(
    name: str,
    predictions: Classified | ArrayLike,
    answers: ArrayLike | None = None,
    *,
    probabilities: ArrayLike | None = None,
) -> Interval:
    """One scalar metric, by its name; undefined without images, and where it needs probabilities and there are none.

    Args:
        name: One of `names()`.
        predictions: N images; or their labels alone, `(N,)` whole numbers, with answers or probabilities.
        answers: Beside labels: logits `(N, K)`, or predicted classes `(N,)`.
        probabilities: Beside labels, instead of answers: `(N, K)`, rows sum to 1.

    Raises:
        CifarlabError: If there is no metric of that name, or the arrays do not fit.

    Example:
        >>> measure("accuracy", [0, 1, 1], [[2.0, 0.0], [0.0, 1.0], [3.0, 0.0]])
        Interval(value=0.666..., low=0.207..., high=0.938..., method='Wilson 95 %')
        >>> measure("accuracy", [0, 1, 1], [0, 1, 0]).value
        0.666...
    """
    predictions = _classified(predictions, answers, probabilities)
    metric = discovery.load("metrics", name)
    if metric.NEEDS_PROBABILITIES and isinstance(predictions, HardPredictions):
        return undefined(NO_PROBABILITIES)
    if len(predictions) == 0:
        return undefined("no images")
    return cast(Callable[[Classified], Interval], metric.measure)(predictions)


def _classified(
    predictions: Classified | ArrayLike, answers: ArrayLike | None, probabilities: ArrayLike | None
) -> Classified:
    if isinstance(predictions, Predictions | HardPredictions):
        return predictions
    if answers is not None and probabilities is None and np.ndim(answers) == 1:
        return HardPredictions.of(predictions, answers)
    return Predictions.of(predictions, answers, probabilities=probabilities)
