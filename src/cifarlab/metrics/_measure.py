"""Predictions measured: by one scalar metric, by its name, or by all there are."""

from collections.abc import Callable
from typing import Any, cast

from cifarlab.metrics._confusion import confusion_matrix
from cifarlab.metrics._per_class import per_class
from cifarlab.metrics._reliability import reliability
from cifarlab.metrics._selective import risk_coverage
from cifarlab.metrics.statistics.intervals import Interval, undefined
from cifarlab.runs.predictions import Classified, HardPredictions
from cifarlab.utils import discovery

__all__ = [
    "Interval", "confusion_matrix", "higher_is_better", "measure", "names", "per_class", "reliability", "risk_coverage",
    "score",
]  # fmt: skip

FORMAT = 1
NO_PROBABILITIES = "needs probabilities"


def score(predictions: Classified) -> dict[str, Any]:
    """Every number about these predictions, ready for JSON.

    Args:
        predictions: N images, K classes.

    Returns:
        `format`, `count` (N), `class_names`; `accuracy` and `loss` (mean cross-entropy in nats, no label smoothing)
        as plain numbers; `scores`: metric name to `{"value", "low", "high", "method"}`; `per_class`: see `per_class`;
        `confusion_matrix`: K x K counts, rows true, columns predicted. A number that is undefined is None; so is one
        that needs probabilities where only classes are known.
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
    return discovery.names("metrics")


def measure(name: str, predictions: Classified) -> Interval:
    """One scalar metric, by its name; undefined where it needs probabilities and there are none.

    Raises:
        CifarlabError: If there is no metric of that name.
    """
    metric = discovery.load("metrics", name)
    if getattr(metric, "NEEDS_PROBABILITIES", True) and isinstance(predictions, HardPredictions):
        return undefined(NO_PROBABILITIES)
    function = cast(Callable[[Classified], Interval], metric.measure)
    return function(predictions)


def higher_is_better(name: str) -> bool:
    """Whether more of this metric is better.

    Raises:
        CifarlabError: If there is no metric of that name.
    """
    return bool(discovery.load("metrics", name).HIGHER_IS_BETTER)
