"""Weights that learn at rates of their own, as the model that has them says."""

from typing import Any

import keras
from keras import ops

ATTRIBUTE = "rate_factors"


def with_rate_factors(optimizer_class: type[keras.optimizers.Optimizer]) -> type[keras.optimizers.Optimizer]:
    """An optimizer that multiplies each weight's step by a factor, where a variable brings such factors along.

    A model gives a variable factors by setting its attribute `rate_factors` to an array of the variable's shape. They
    multiply what the optimizer does to a weight, not its gradient: to Adam, which divides by a gradient's size, a
    smaller gradient is the same gradient.

    Args:
        optimizer_class: Does the update itself.

    Returns:
        A class with the same arguments; the factors are part of its state. Weight decay is not multiplied.
    """

    class WithRateFactors(optimizer_class):
        def build(self, variables: list[Any]) -> None:
            if self.built:
                return
            super().build(variables)
            self._rate_factors = {}
            for index, variable in enumerate(variables):
                factors = getattr(variable, ATTRIBUTE, None)
                if factors is not None:
                    kept = self.add_variable_from_reference(variable, name="rate_factors")
                    kept.assign(factors)
                    self._rate_factors[index] = kept

        def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
            factors = self._rate_factors.get(self._get_variable_index(variable))
            before = None if factors is None else ops.copy(ops.convert_to_tensor(variable))
            super().update_step(gradient, variable, learning_rate)
            if factors is not None:
                after = ops.convert_to_tensor(variable)
                self.assign(variable, before + ops.convert_to_tensor(factors) * (after - before))

    return WithRateFactors


def has_rate_factors(model: keras.Model) -> bool:
    """Whether any of the model's variables brings factors along."""
    return any(hasattr(variable, ATTRIBUTE) for variable in model.trainable_variables)
