"""Averaged weights: what validation and the saved model use where the recipe has `ema`.

The averages are variables of Keras's optimizer, updated in its step, and so part of every checkpoint.
"""

import contextlib
from collections.abc import Iterator, Sequence

import keras


def averaged_variables(model: keras.Model, optimizer: keras.optimizers.Optimizer) -> list[keras.Variable]:
    """For each of the model's variables its average; itself where it has none, as the statistics of normalisation.

    Args:
        model: The network.
        optimizer: Built for its trainable variables.
    """
    averages = {}
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)  # behind the one that scales the loss
    if optimizer.use_ema:  # Keras has no public way to ask for them
        pairs = zip(optimizer._trainable_variables, optimizer._model_variables_moving_average, strict=True)
        averages = {id(variable): average for variable, average in pairs}
    return [averages.get(id(variable), variable) for variable in model.variables]


@contextlib.contextmanager
def exchanged(model: keras.Model, others: Sequence[keras.Variable]) -> Iterator[None]:
    """Inside, the model computes with the values of other variables; after it with its own again, bit for bit.

    Args:
        model: The network; its variables are up to date.
        others: One for each of its variables.
    """
    pairs = [(own, other) for own, other in zip(model.variables, others, strict=True) if own is not other]
    before = [keras.ops.copy(own.value) for own, _ in pairs]
    for own, other in pairs:
        own.assign(other.value)
    try:
        yield
    finally:
        for (own, _), value in zip(pairs, before, strict=True):
            own.assign(value)
