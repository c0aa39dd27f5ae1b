"""Who draws around a training draws on, and not the same again."""

import random

import numpy as np
import pytest

from cifarlab.utils.random_state import kept_random_state


@pytest.mark.parametrize("fails", [False, True])
def test_the_callers_draws_go_on(fails):
    def draw():
        return random.random(), float(np.random.uniform())  # noqa: NPY002

    @kept_random_state()
    def train(seed):
        """Trains."""
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        if fails:
            raise ValueError

    random.seed(5)
    np.random.seed(5)  # noqa: NPY002
    expected = [draw() for _ in range(3)]
    random.seed(5)
    np.random.seed(5)  # noqa: NPY002
    drawn = []
    for _ in range(3):
        drawn.append(draw())
        try:
            train(0)
        except ValueError:
            assert fails
    assert drawn == expected
    assert train.__doc__ == "Trains."
