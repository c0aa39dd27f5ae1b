"""Sparsity that is learned: weights that do little become exactly zero, and may come back."""

from typing import Any

import keras
from keras import ops


def with_beta_lasso(
    optimizer_class: type[keras.optimizers.Optimizer], lasso: float, beta: float
) -> type[keras.optimizers.Optimizer]:
    """An optimizer that pulls every kernel towards zero after each update, and cuts off what is small.

    Args:
        optimizer_class: Does the update itself.
        lasso: Every weight of a kernel moves towards 0 by this, times the learning rate.
        beta: Then a weight smaller than `beta * lasso` is set to 0.

    Returns:
        A class with the same arguments and state. Biases and other vectors are left alone.

    Source: Neyshabur 2020, arXiv:2007.13657, algorithm 1; there over plain gradient descent.
    """

    class BetaLasso(optimizer_class):
        def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
            super().update_step(gradient, variable, learning_rate)
            if len(variable.shape) < 2:
                return
            value = ops.convert_to_tensor(variable)  # after the update
            # Shrinking follows the schedule; the threshold below does not, and stays when the learning rate falls.
            shrunk = value - ops.cast(learning_rate, value.dtype) * lasso * ops.sign(value)
            self.assign(variable, ops.where(ops.abs(shrunk) < beta * lasso, ops.zeros_like(shrunk), shrunk))

    return BetaLasso
