"""Plain arrays and lists that a user gives, made into what predictions hold; what is wrong with them, in one line."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from numpy.typing import ArrayLike

from cifarlab.utils.arrays import Array, number_rows
from cifarlab.utils.errors import CifarlabError

SMALLEST = float(np.finfo(np.float32).tiny)
"""What a probability of 0 counts as, so that its logarithm is finite: 1e-38."""
_SUM_TOLERANCE = 1e-3  # float16 probabilities of a thousand classes are off by no more


def as_logits(values: ArrayLike | None, *, are_probabilities: bool = False) -> Array:
    """Logits, or the logarithms of probabilities, which are logits too: softmax gives the same probabilities back.

    Args:
        values: `(N, K)` numbers.
        are_probabilities: Whether rows sum to 1.

    Returns:
        `(N, K)` float32.

    Raises:
        CifarlabError: If they are not finite numbers of that shape, or are the other of the two.
    """
    scores = np.asarray(values)
    if scores.ndim != 2 or scores.shape[1] < 2 or scores.dtype.kind not in "fiu" or not np.isfinite(scores).all():
        received = f"shape {scores.shape}, {scores.dtype}"
        raise CifarlabError(f"expected finite numbers of shape (images, classes). Received: {received}")
    scores = scores.astype(np.float64)
    # A softmax taken twice gives flat probabilities and a wrong loss, without any error: the trap of this format.
    sums_to_one = (scores >= 0).all() and bool((np.abs(scores.sum(axis=1) - 1) <= _SUM_TOLERANCE).all())
    if sums_to_one != are_probabilities and len(scores):
        hint = "look like probabilities: give them as probabilities=" if sums_to_one else "do not sum to 1"
        raise CifarlabError(f"the rows of these {'logits' if sums_to_one else 'probabilities'} {hint}")
    return (np.log(np.maximum(scores, SMALLEST)) if are_probabilities else scores).astype(np.float32)


def names_of(given: Sequence[str] | None, count: int) -> tuple[str, ...]:
    """K names; by default `class 0`, `class 1`, ..."""
    return tuple(map(str, given)) if given else tuple(f"class {number}" for number in range(count))


def ids_of(given: Sequence[str] | None, rows: Array) -> Array:
    """`(N,)` str; by default numbers."""
    return number_rows(len(rows)) if given is None else np.array(given, str)


@contextmanager
def one_line() -> Iterator[None]:
    """What is wrong with arrays that a user gave, as a user's mistake."""
    try:
        yield
    except ValueError as error:
        raise CifarlabError(str(error)) from error


def whole(values: ArrayLike) -> Array:
    """`(N,)` int64, also of `(N, 1)`, as Keras's data sets have them."""
    numbers = np.asarray(values)
    numbers = numbers[:, 0] if numbers.ndim == 2 and numbers.shape[1] == 1 else numbers
    if numbers.ndim != 1 or numbers.dtype.kind not in "iuf" or (numbers != np.floor(numbers)).any():
        raise CifarlabError(f"expected classes (N,), whole numbers. Received: shape {numbers.shape}, {numbers.dtype}")
    return numbers.astype(np.int64)
