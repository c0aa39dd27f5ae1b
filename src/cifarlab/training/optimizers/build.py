"""The recipe's optimizer, from Keras, with weight decay on kernels only."""

from typing import Any

import keras

from cifarlab.recipes import Recipe
from cifarlab.training.optimizers.beta_lasso import with_beta_lasso
from cifarlab.training.optimizers.learning_rate_scales import has_learning_rate_scales, with_learning_rate_scales
from cifarlab.training.optimizers.muon import Muon
from cifarlab.training.requirements import cannot_optimize, check_optimizer


def build_optimizer(
    recipe: Recipe, schedule: keras.optimizers.schedules.LearningRateSchedule, model: keras.Model
) -> keras.optimizers.Optimizer:
    """An optimizer whose variables are built for the model's trainable variables.

    Adam: arXiv:1412.6980, with decoupled weight decay arXiv:1711.05101. Lion: arXiv:2302.06675.
    SGD has Nesterov momentum 0.9, unless the recipe says otherwise. Muon: see `cifarlab.training.optimizers.muon`.

    Raises:
        CifarlabError: If the optimizer does not take the recipe's `optimizer_args` or weight decay.
    """
    check_optimizer(recipe)
    arguments: dict[str, Any] = {"learning_rate": schedule}
    if recipe.clip_norm:
        arguments["global_clipnorm"] = recipe.clip_norm
    if recipe.weight_decay:
        arguments["weight_decay"] = recipe.weight_decay
    if recipe.optimizer == "sgd":
        arguments |= {"momentum": 0.9, "nesterov": True}
    if recipe.optimizer == "muon":
        # In float16 the iteration's products of large and small values would leave its range.
        dtype = "float32" if recipe.precision == "float16" else recipe.precision
        arguments |= {"dtype": dtype, "batch_size": recipe.batch_size}
    kind = _optimizer_class(recipe)
    if has_learning_rate_scales(model):
        kind = with_learning_rate_scales(kind)
    if recipe.lasso:  # outermost: it acts on a weight after its update, whatever the scale of that was
        kind = with_beta_lasso(kind, recipe.lasso, recipe.lasso_beta)
    try:
        optimizer = kind(**{**arguments, **recipe.optimizer_args})
    except (TypeError, ValueError) as error:
        raise cannot_optimize(recipe, error) from error
    if recipe.ema:  # attributes: not every optimizer here takes them as arguments
        optimizer.use_ema, optimizer.ema_momentum = True, recipe.ema
    if recipe.weight_decay:  # before `build`, after which Keras refuses; a name counts anywhere in a variable's
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    if recipe.precision == "float16":  # steps whose gradients are no numbers are left out, and the scale is halved
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    optimizer.build(model.trainable_variables)
    return optimizer


def _optimizer_class(recipe: Recipe) -> Any:
    is_plain = not recipe.optimizer_args.get("amsgrad")  # for which TensorFlow's one kernel has no place
    if recipe.optimizer == "adam" and is_plain and keras.backend.backend() == "tensorflow":
        from cifarlab.training.optimizers.fused_adam import FusedAdam

        return FusedAdam
    others = {"adam": keras.optimizers.Adam, "lion": keras.optimizers.Lion, "sgd": keras.optimizers.SGD, "muon": Muon}
    return others[recipe.optimizer]
