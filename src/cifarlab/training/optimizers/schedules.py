"""The learning rate over the steps: a linear rise, then what the recipe says, ending exactly on the last step."""

import math
from typing import Any

import keras
from keras import ops

from cifarlab.recipes import Recipe


class WarmupThenDecay(keras.optimizers.schedules.LearningRateSchedule):
    """Linear warm-up to `peak`, then constant, linear to zero, or half a cosine to zero (arXiv:1608.03983).

    Args:
        peak: Learning rate at the end of the warm-up.
        total_steps: Steps of the whole training; the rate would be zero one step after the last.
        warmup_steps: Steps of the rise; the first step already learns.
        decay: `"constant"`, `"linear"` or `"cosine"`.
    """

    def __init__(self, peak: float, total_steps: int, warmup_steps: int, decay: str) -> None:
        self.peak = peak
        self.total_steps = total_steps
        self.warmup_steps = min(warmup_steps, total_steps)
        self.decay = decay

    def __call__(self, step: Any) -> Any:
        """Learning rate of `step`, counted from 0; a scalar tensor."""
        step = ops.cast(step, "float32")  # counts exactly up to 2^24, 16.8 million steps
        # `step` is a tensor inside the compiled step, so both are computed and one is taken. The fall is counted from
        # the end of the rise: a schedule that counts from 0 is past its peak when the warm-up ends, and ends too soon.
        rise = (step + 1) / max(self.warmup_steps, 1)
        fraction = (step - self.warmup_steps) / max(self.total_steps - self.warmup_steps, 1)
        fraction = ops.clip(fraction, 0.0, 1.0)
        fall = {
            "constant": lambda: ops.ones_like(fraction),
            "linear": lambda: 1.0 - fraction,
            "cosine": lambda: 0.5 * (1.0 + ops.cos(fraction * 3.141592653589793)),
        }[self.decay]()
        return self.peak * ops.where(step < self.warmup_steps, rise, fall)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return vars(self).copy()  # under their own names


class ExponentialRise(keras.optimizers.schedules.LearningRateSchedule):
    """From `low` to `high`, each step by the same factor: a learning-rate range test (arXiv:1506.01186).

    Args:
        low: Of the first step.
        high: Of the last step.
        steps: How many there are, two at least.
        peak: What the recipe calls its learning rate: rates that are shares of it stay that.
    """

    def __init__(self, low: float, high: float, steps: int, peak: float) -> None:
        self.low, self.high, self.steps, self.peak = low, high, steps, peak

    def __call__(self, step: Any) -> Any:
        """Learning rate of `step`, counted from 0; a scalar tensor."""
        share = ops.cast(step, "float32") / (self.steps - 1)
        return self.low * ops.exp(share * math.log(self.high / self.low))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return vars(self).copy()  # under their own names


def build_schedule(recipe: Recipe, steps_per_epoch: int) -> WarmupThenDecay:
    """The recipe's schedule over all its steps."""
    return WarmupThenDecay(
        peak=recipe.learning_rate,
        total_steps=recipe.epochs * steps_per_epoch,
        # Of whole batches, as the loop takes them: with the rounded-up number the rate would never reach its end.
        warmup_steps=round(recipe.warmup_epochs * steps_per_epoch),
        decay=recipe.schedule,
    )
