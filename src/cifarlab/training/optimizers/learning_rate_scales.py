"""A learning-rate scale for each weight, as the model that has it says."""

from typing import Any

import keras
from keras import ops

ATTRIBUTE = "learning_rate_scales"


def with_learning_rate_scales(optimizer_class: type[keras.optimizers.Optimizer]) -> type[keras.optimizers.Optimizer]:
    """An optimizer that multiplies each weight's step by its scale, where a variable brings scales along.

    A model gives a variable scales by setting its attribute `learning_rate_scales` to an array of the variable's shape.
    They multiply what the optimizer does to a weight, not its gradient: to Adam, which divides by a gradient's size, a
    smaller gradient is the same gradient.

    Args:
        optimizer_class: Does the update itself.

    Returns:
        A class with the same arguments; the scales are part of its state. Weight decay is not multiplied.
    """

    class WithLearningRateScales(optimizer_class):
        def build(self, variables: list[Any]) -> None:
            if self.built:
                return
            super().build(variables)
            self._learning_rate_scales = {}
            for index, variable in enumerate(variables):
                scales = getattr(variable, ATTRIBUTE, None)
                if scales is not None:
                    # A variable of the optimizer, and no constant of the compiled step: it is as large as the kernel.
                    kept = self.add_variable_from_reference(variable, name="learning_rate_scales")
                    kept.assign(scales)
                    self._learning_rate_scales[index] = kept

        def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
            scales = self._learning_rate_scales.get(self._get_variable_index(variable))
            # A copy: the update below may change the variable's memory in place.
            before = None if scales is None else ops.copy(ops.convert_to_tensor(variable))
            super().update_step(gradient, variable, learning_rate)
            if scales is not None:
                after = ops.convert_to_tensor(variable)
                self.assign(variable, before + ops.convert_to_tensor(scales) * (after - before))

    return WithLearningRateScales


def has_learning_rate_scales(model: keras.Model) -> bool:
    """Whether any of the model's variables brings scales along."""
    return any(hasattr(variable, ATTRIBUTE) for variable in model.trainable_variables)
