"""A run's temperature: the one number by which its logits are divided, so that its confidence means what it says."""

import dataclasses
from dataclasses import dataclass

import numpy as np

from cifarlab.runs import Run, open_run
from cifarlab.runs.derived import StaleError, is_of_model, model_checksum
from cifarlab.runs.predictions import Predictions
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.json_reading import read_result
from cifarlab.utils.results import Interval

__all__ = ["FILE_NAME", "model_checksum", "scale", "stored_temperature"]

FILE_NAME = "calibration.json"
LOWEST, HIGHEST = 0.01, 100.0
# A temperature not known to a factor of 2 either way can make confidence worse as easily as better: probabilities at
# its two ends are too far apart to report one of them.
WIDEST = 4.0


FORMAT = 2
"""Of `calibration.json`."""


@dataclass(frozen=True)
class _Stored:
    """What is read of `calibration.json`."""

    temperature: Interval
    model_checksum: str
    format: int = FORMAT


def stored_temperature(run: Run) -> float | None:
    """The temperature that `cifarlab calibrate` found for this run's model; None where it was not asked, or kept 1.

    Raises:
        CifarlabError: If `calibration.json` is broken, or holds a temperature that its images could not tell.
        StaleError: If it was made for another model than the one in the run.
    """
    path = run.path / FILE_NAME
    if not path.is_file():
        return None
    stored = read_result(_Stored, path, f"cifarlab calibrate {run.path}")
    value, low, high = stored.temperature.value, stored.temperature.low, stored.temperature.high
    limits = None if low is None or high is None else (low, high)
    if value is None:
        raise CifarlabError(f"{path} is damaged (it has no temperature): run cifarlab calibrate {run.path}")
    if not (np.isfinite(value) and value > 0):
        raise CifarlabError(f"{path} has temperature {value}: expected a number above 0; run cifarlab calibrate again")
    open_run(run.path, needs_model=True)
    if not is_of_model(run, stored.model_checksum):
        raise StaleError(
            f"{path} was made for another model than {run.model_file.name} is now: run cifarlab calibrate {run.path}"
        )
    if limits is None and value == 1:
        return None
    if limits is None or not is_told(value, *limits):
        raise CifarlabError(
            f"{path} has temperature {value:g}, which the images it was fitted on could not tell: run cifarlab "
            f"calibrate {run.path} again"
        )
    return value


def is_told(value: float, low: float, high: float) -> bool:
    """Whether an interval says enough of a temperature to use it: inside the search, and not too wide."""
    # An end at the limit of the search is no end: the images would go on beyond it.
    return LOWEST < low <= value <= high < HIGHEST and high / low <= WIDEST


def scale(predictions: Predictions, temperature: float) -> Predictions:
    """The same answers with their logits divided by a temperature: more than 1 makes them less sure.

    Args:
        predictions: N images, K classes.
        temperature: Above 0.
    """
    if not temperature > 0:
        raise ValueError(f"a temperature is above 0. Received: {temperature}")
    return dataclasses.replace(predictions, logits=(predictions.logits / temperature).astype(np.float32))
