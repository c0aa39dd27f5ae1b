"""How sure a run is of an image's label, beside all others of its part."""

from dataclasses import dataclass

import numpy as np

from cifarlab.runs.predictions import Predictions


@dataclass(frozen=True)
class LabelRank:
    """How probable out-of-sample predictions make a label.

    Attributes:
        self_confidence: Probability of the label given.
        rank: 1 for the least probable label of the part; equal ones share the better rank.
        count: Images in the part.
    """

    self_confidence: float
    rank: int
    count: int


def rank_label(predictions: Predictions, image_id: str) -> LabelRank | None:
    """The self-confidence of one image's label, and its rank; None where the predictions lack the image."""
    (rows,) = np.nonzero(predictions.ids == image_id)
    if not len(rows):
        return None
    confidence = predictions.label_probabilities
    own = float(confidence[rows[0]])
    return LabelRank(own, 1 + int((confidence < own).sum()), len(confidence))
