"""A run's temperature: the one number by which its logits are divided, so that its confidence means what it says."""

import numpy as np

from cifarlab import files
from cifarlab.derived import StaleError, is_of_model, model_checksum
from cifarlab.errors import CifarlabError
from cifarlab.records import Predictions
from cifarlab.runs import Run, open_run

__all__ = ["FILE_NAME", "model_checksum", "scale", "stored_temperature"]

FILE_NAME = "calibration.json"


def stored_temperature(run: Run) -> float | None:
    """The temperature that `cifarlab calibrate` found for this run's model; None where it has not been asked.

    Raises:
        CifarlabError: If `calibration.json` is broken.
        StaleError: If it was made for another model than the one in the run.
    """
    path = run.path / FILE_NAME
    if not path.is_file():
        return None
    stored = files.read_json(path)
    try:
        value, model = float(stored["temperature"]["value"]), stored["model_checksum"]
    except (KeyError, TypeError, ValueError) as error:
        raise CifarlabError(f"{path} is damaged ({error!r}): run cifarlab calibrate {run.path} again") from error
    if not (np.isfinite(value) and value > 0):
        raise CifarlabError(f"{path} has temperature {value}: expected a number above 0; run cifarlab calibrate again")
    open_run(run.path, needs_model=True)
    if not is_of_model(run, model):
        raise StaleError(
            f"{path} was made for another model than {run.model_file.name} is now: run cifarlab calibrate {run.path}"
        )
    return value


def scale(predictions: Predictions, temperature: float) -> Predictions:
    """The same answers with their logits divided by a temperature: more than 1 makes them less sure.

    Args:
        predictions: N images, K classes.
        temperature: Above 0.
    """
    if not temperature > 0:
        raise ValueError(f"a temperature is above 0. Received: {temperature}")
    logits = (predictions.logits / temperature).astype(np.float32)
    return Predictions(predictions.ids, predictions.labels, logits, predictions.class_names, predictions.origin)
