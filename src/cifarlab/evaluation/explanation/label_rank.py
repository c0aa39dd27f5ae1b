"""How sure a run is of an image's label, beside all others of its part."""

from dataclasses import dataclass

import numpy as np

from cifarlab.runs import Run
from cifarlab.runs.predictions import Predictions


@dataclass(frozen=True)
class LabelDoubt:
    """What out-of-sample predictions say of a label.

    Attributes:
        self_confidence: Probability of the label given.
        rank: 1 for the most doubtful image of the part; equal ones share the better rank.
        count: Images in the part.
    """

    self_confidence: float
    rank: int
    count: int


def weigh_label(run: Run, split: str, image_id: str) -> LabelDoubt | None:
    """The self-confidence of one image's label, and its rank; None where the run's predictions lack the image.

    Args:
        run: Evaluated on `split`, which it did not learn from.
        split: The part that the image is in.
        image_id: Which image.

    Raises:
        CifarlabError: If the predictions cannot be read, or are of an earlier model.
    """
    return rank_label(run.predictions(split), image_id)


def rank_label(predictions: Predictions, image_id: str) -> LabelDoubt | None:
    """As `weigh_label`, from the predictions themselves."""
    (rows,) = np.nonzero(predictions.ids == image_id)
    if not len(rows):
        return None
    confidence = predictions.probabilities[np.arange(len(predictions)), predictions.labels]
    own = float(confidence[rows[0]])
    return LabelDoubt(own, 1 + int((confidence < own).sum()), len(confidence))
