"""Predictions in, numbers out: each with its 95 % interval.

A scalar metric is one file here, found by its name: `measure(predictions) -> Interval`, `HIGHER_IS_BETTER` and `RANGE`,
the least and the most it can be, which no interval leaves. Files that begin with `_` are what the metrics share.
"""

from collections.abc import Callable
from typing import Any, cast

from cifarlab import discover
from cifarlab.metrics._confusion import confusion_matrix
from cifarlab.metrics._intervals import Interval
from cifarlab.metrics._per_class import per_class
from cifarlab.metrics._reliability import reliability
from cifarlab.metrics._selective import risk_coverage
from cifarlab.records import Predictions

__all__ = [
    "Interval", "confusion_matrix", "higher_is_better", "measure", "names", "per_class", "reliability", "risk_coverage",
    "score",
]  # fmt: skip

FORMAT = 1


def score(predictions: Predictions) -> dict[str, Any]:
    """Every number about these predictions, ready for JSON.

    Args:
        predictions: N images, K classes.

    Returns:
        `format`, `count` (N), `class_names`; `accuracy` and `loss` (mean cross-entropy in nats, no label smoothing)
        as plain numbers; `scores`: metric name to `{"value", "low", "high", "method"}`; `per_class`: see `per_class`;
        `confusion_matrix`: K x K counts, rows true, columns predicted. A number that is undefined is None.
    """
    scores = {name: measure(name, predictions) for name in names()}
    return {
        "format": FORMAT,
        "count": len(predictions),
        "class_names": list(predictions.class_names),
        "accuracy": scores["accuracy"].value,
        "loss": scores["negative_log_likelihood"].value,
        "scores": {name: interval.as_dict() for name, interval in scores.items()},
        "per_class": per_class(predictions),
        "confusion_matrix": confusion_matrix(predictions).tolist(),
    }


def names() -> list[str]:
    """Names of all scalar metrics, sorted."""
    return discover.names("metrics")


def measure(name: str, predictions: Predictions) -> Interval:
    """One scalar metric, by its name.

    Raises:
        CifarlabError: If there is no metric of that name.
    """
    function = cast(Callable[[Predictions], Interval], discover.load("metrics", name).measure)
    return function(predictions)


def higher_is_better(name: str) -> bool:
    """Whether more of this metric is better.

    Raises:
        CifarlabError: If there is no metric of that name.
    """
    return bool(discover.load("metrics", name).HIGHER_IS_BETTER)
