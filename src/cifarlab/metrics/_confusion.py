"""The confusion matrix, and resamples of it."""

import numpy as np
from numpy.typing import NDArray

from cifarlab.runs.predictions import Classified

DRAWS = 2000
SEED = 0


def confusion_matrix(predictions: Classified) -> NDArray[np.int64]:
    """How often each class was predicted as each class.

    Args:
        predictions: N images, K classes.

    Returns:
        `(K, K)` int64: rows true, columns predicted, both in the order of the class names.
    """
    num_classes = len(predictions.class_names)
    # Counted here, since scikit-learn takes a second to import, which every command that reads scores would wait for.
    cells = predictions.labels * num_classes + predictions.predicted
    return np.bincount(cells, minlength=num_classes**2).reshape(num_classes, num_classes).astype(np.int64)


def resample(confusion: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Draw the images again, class by class with replacement, `DRAWS` times, and count hits and predictions.

    A row of counts drawn from the multinomial distribution is what drawing that class's images would give.

    Args:
        confusion: `(K, K)` int64, rows true.

    Returns:
        Hits and predictions of each class: two `(D, K)` int64. Each class keeps its number of images.
    """
    random = np.random.default_rng(SEED)
    hits = np.zeros((DRAWS, len(confusion)), np.int64)
    predicted = np.zeros((DRAWS, len(confusion)), np.int64)
    for index, row in enumerate(confusion):
        if row.sum() > 0:
            counts = random.multinomial(row.sum(), row / row.sum(), size=DRAWS)  # (D, K)
            hits[:, index] = counts[:, index]
            predicted += counts
    return hits, predicted
