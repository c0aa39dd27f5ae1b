"""The type of every array, the checks that image sets and predictions share, rows by ids, and batches of one size."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def number_rows(count: int) -> Array:
    """`(N,)` str: the ids of images that have none, `"00000000"`, `"00000001"`, ..."""
    return np.array([f"{row:08d}" for row in range(count)], str)


def rows_of(ids: Array, some: Array) -> Array:
    """Where each of some ids is among `ids`.

    Args:
        ids: `(N,)` str, unique.
        some: `(M,)` str, all of them among `ids`.

    Returns:
        `(M,)` int64.

    Example:
        >>> rows_of(np.array(["b", "c", "a"]), np.array(["a", "b"]))
        array([2, 0])
    """
    order = np.argsort(ids)
    # One that is not there could get another's place, silently: hence the condition above.
    return np.asarray(order[np.searchsorted(ids, some, sorter=order)])


def full_batches(count: int, size: int) -> Iterator[tuple[Array, int]]:
    """Batches that all have the same size, so that a network is compiled once: the last is filled up with first rows.

    Args:
        count: N, how many rows there are.
        size: B, at least 1; fewer than B rows make one batch of N.

    Yields:
        `(B,)` int64 rows of a batch, and how many of them, from the first on, are new.

    Example:
        >>> [(rows.tolist(), new) for rows, new in full_batches(5, 3)]
        [([0, 1, 2], 3), ([3, 4, 0], 2)]
    """
    size = min(size, count)
    for start in range(0, count, size or 1):
        yield np.arange(start, start + size) % count, min(size, count - start)


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
