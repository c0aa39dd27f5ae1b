"""Temperature scaling: one number, found on validation, that makes a run's confidence match its accuracy."""

import math
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import optimize, special

from cifarlab import builtin, files, metrics, own_code
from cifarlab.errors import CifarlabError
from cifarlab.metrics import Interval
from cifarlab.records import Array, Predictions
from cifarlab.runs import Run, open_run
from cifarlab.temperature import FILE_NAME, model_checksum, scale

FORMAT = 1
LOWEST, HIGHEST = 0.01, 100.0
_SHOWN = {"loss": "negative_log_likelihood", "expected_calibration_error": "expected_calibration_error"}


def calibrate(
    run: Run | str | os.PathLike[str],
    *,
    data_dir: str | None = None,
    code: Sequence[str | os.PathLike[str]] = (),
) -> dict[str, Any]:
    """Find the temperature at which a run's probabilities fit its validation images best, and keep it in the run.

    Writes `calibration.json`. From then on `predict` reports probabilities at that temperature, and `evaluate` adds
    the calibrated loss and calibration error; predictions files keep the logits as the model gave them. Where the run
    has no predictions on validation, it is evaluated there first. The answers themselves do not change.

    Args:
        run: A trained run that held out validation images.
        data_dir: Where the data are, if not where the run found them; needed only to evaluate.
        code: The user's own Python files that the run may need; no other is executed.

    Returns:
        What was written: `format`, `run`, `split`, `count`, `temperature` (an interval), `loss` and
        `expected_calibration_error` (each `before` and `after`, as intervals), `sentence`, `model_checksum`.

    Raises:
        CifarlabError: If the run is none or incomplete, held out no validation images, or cannot be evaluated on them.

    Source: Guo et al. 2017, arXiv:1706.04599.
    """
    own_code.allow_files(code)
    run = open_calibratable(run)
    predictions = _validation_predictions(run, data_dir)
    temperature = fit_temperature(predictions)
    assert temperature.value is not None
    calibrated = scale(predictions, temperature.value)
    result = {
        "format": FORMAT,
        "run": run.name,
        "split": "validation",
        "count": len(predictions),
        "temperature": temperature.as_dict(),
        **{name: _before_and_after(metric, predictions, calibrated) for name, metric in _SHOWN.items()},
    }
    result["sentence"] = _sentence(result)
    result["model_checksum"] = model_checksum(run)
    files.write_json(run.path / FILE_NAME, result)
    return result


def open_calibratable(run: Run | str | os.PathLike[str]) -> Run:
    """An existing run that held out images to fit a temperature on.

    Raises:
        CifarlabError: If the run is none or incomplete, or held out no validation images, as the built-in model's did.
    """
    if builtin.is_builtin(run):
        raise CifarlabError(
            "the built-in model learned from all training images, so none is left to fit a temperature on: train one "
            "that holds some out, such as cifarlab train convnet94 --set validation_fraction=0.1, and calibrate that"
        )
    run = open_run(run.path if isinstance(run, Run) else run, needs_model=True)
    if run.recipe.validation_fraction == 0:
        raise CifarlabError(
            f"{run.path} held out no validation images (validation_fraction=0), and a temperature must not be fitted "
            "on test: train again with --set validation_fraction=0.1"
        )
    return run


def fit_temperature(predictions: Predictions) -> Interval:
    """The temperature with the smallest mean cross-entropy, with its 95 % interval.

    In the inverse temperature the cross-entropy is convex, so that its derivative has at most one root: it is found on
    the scale of the logarithm, exactly, without a learning rate. Where every image would be fitted better by ever
    more (or ever less) certainty, the limit of the search is the answer, and it has no interval.

    Args:
        predictions: N images, at least two.

    Returns:
        A temperature in `[0.01, 100]`. Its interval is normal on the logarithm, from the spread of the images' own
        derivatives.

    Raises:
        CifarlabError: If there are fewer than two images.
    """
    if len(predictions) < 2:
        raise CifarlabError(f"a temperature needs at least two images. Received: {len(predictions)}")
    logits = predictions.logits.astype(np.float64)
    true = logits[np.arange(len(logits)), predictions.labels]

    def slope(log_temperature: float) -> float:
        return float(_slopes(logits, true, math.exp(-log_temperature))[0].mean())

    lowest, highest = math.log(LOWEST), math.log(HIGHEST)
    if slope(lowest) <= 0 or slope(highest) >= 0:
        value = LOWEST if slope(lowest) <= 0 else HIGHEST
        return Interval(value, None, None, "limit of the search: no temperature fits best")
    found = float(optimize.brentq(slope, lowest, highest, xtol=1e-13))
    slopes, curvatures = _slopes(logits, true, math.exp(-found))
    error = float(slopes.std(ddof=1)) / math.sqrt(len(slopes)) / float(curvatures.mean()) / math.exp(-found)
    reach = float(special.ndtri(0.975)) * error
    limits = math.exp(found - reach), math.exp(found + reach)
    return Interval(math.exp(found), *limits, "normal 95 % on the logarithm")


def _slopes(logits: Array, true: Array, inverse: float) -> tuple[Array, Array]:
    """First and second derivative of each image's cross-entropy by the inverse temperature, `(N,)` each."""
    scaled = inverse * logits
    weights = special.softmax(scaled, axis=1)
    mean = (weights * logits).sum(axis=1)
    return mean - true, (weights * logits**2).sum(axis=1) - mean**2


def _validation_predictions(run: Run, data_dir: str | None) -> Predictions:
    path = run.predictions_file("validation")
    if not path.is_file() or path.stat().st_mtime < run.model_file.stat().st_mtime:  # a resumed run has a new model
        from cifarlab import evaluation

        evaluation.evaluate(run, split="validation", data_dir=data_dir)
    return Predictions.load(path)


def _before_and_after(metric: str, before: Predictions, after: Predictions) -> dict[str, Any]:
    return {
        "before": metrics.measure(metric, before).as_dict(),
        "after": metrics.measure(metric, after).as_dict(),
    }


def _sentence(result: dict[str, Any]) -> str:
    value = result["temperature"]["value"]
    if result["temperature"]["low"] is None:
        extreme = "certain of" if value == LOWEST else "doubtful about"
        return (
            f"No temperature fits best: the more {extreme} its answers {result['run']} is made, the smaller the loss."
        )
    low, high = result["temperature"]["low"], result["temperature"]["high"]
    if low <= 1 <= high:
        return f"{result['run']} is about as sure as it should be: 1 lies in the interval of its temperature."
    direction = "surer" if value > 1 else "less sure"
    return f"{result['run']} is {direction} than it should be: its logits are divided by {value:.3f}."
