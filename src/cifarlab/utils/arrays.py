"""The type of every array, and the checks that image sets and predictions share."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def check_array(right: bool, expected: str, received: Array) -> None:
    """Refuse an array that is not as `expected` says; the message shows its shape and dtype."""
    if not right:
        raise ValueError(f"expected {expected}. Received: shape {received.shape}, dtype {received.dtype}")


def check_labels(labels: Array, ids: Array, count: int, num_classes: int) -> None:
    """Refuse labels and ids that are not `count` each, out of range, or not unique."""
    check_array(labels.shape == (count,) and labels.dtype == np.int64, f"labels ({count},) int64", labels)
    check_array(ids.shape == (count,) and ids.dtype.kind == "U", f"ids ({count},) str", ids)
    if count and not 0 <= labels.min() <= labels.max() < num_classes:
        raise ValueError(f"labels must be in [0, {num_classes}). Received: {labels.min()} to {labels.max()}")
    if len(set(ids.tolist())) != count:  # three times as fast as np.unique
        raise ValueError("ids must be unique")
