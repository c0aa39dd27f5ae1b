"""The random state of the caller's program, which a training must not change."""

import contextlib
import random
from collections.abc import Iterator

import numpy as np


@contextlib.contextmanager
def kept_random_state() -> Iterator[None]:
    """Leave Python's and NumPy's global random states as they were; also a decorator.

    Keras seeds both with a recipe's seed, from which layers draw their own: a loop around trainings that draws by NumPy
    would draw the same each time.
    """
    of_python, of_numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - the caller's own, whatever he uses
    try:
        yield
    finally:
        random.setstate(of_python)
        np.random.set_state(of_numpy)  # noqa: NPY002
