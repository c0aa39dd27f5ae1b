"""The recipe's optimizer, from Keras, with weight decay on kernels only."""

from typing import Any

import keras

from cifarlab.recipe import Recipe
from cifarlab.training.schedules import WarmupThenDecay


def build_optimizer(recipe: Recipe, schedule: WarmupThenDecay, model: keras.Model) -> keras.optimizers.Optimizer:
    """An optimizer whose variables are built for the model's trainable variables.

    Adam: arXiv:1412.6980, with decoupled weight decay arXiv:1711.05101. Lion: arXiv:2302.06675.
    SGD has Nesterov momentum 0.9.
    """
    arguments: dict[str, Any] = {"learning_rate": schedule, "weight_decay": recipe.weight_decay or None}
    optimizer = {
        "adam": lambda: _adam_class()(**arguments),
        "lion": lambda: keras.optimizers.Lion(**arguments),
        "sgd": lambda: keras.optimizers.SGD(momentum=0.9, nesterov=True, **arguments),
    }[recipe.optimizer]()
    if recipe.weight_decay:
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    optimizer.build(model.trainable_variables)
    return optimizer


def _adam_class() -> Any:
    if keras.backend.backend() != "tensorflow":
        return keras.optimizers.Adam
    from cifarlab.training.fused_adam import FusedAdam

    return FusedAdam
