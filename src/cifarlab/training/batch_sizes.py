"""With which batch size a training fits into the memory there is: tried, not reckoned."""

import dataclasses
import gc

import numpy as np

from cifarlab.datasets import Splits
from cifarlab.recipes import Recipe
from cifarlab.training.augmentation.pipeline import add_augmentation
from cifarlab.training.engines import engine_class
from cifarlab.training.optimizers.build import build_optimizer
from cifarlab.training.optimizers.schedules import build_schedule
from cifarlab.training.preparation import prepare
from cifarlab.utils.memory import is_out_of_memory

STEPS = 3
"""So many are taken on trial: the first compiles, and holds less than those that follow it."""


def find_fitting(recipe: Recipe, splits: Splits) -> int | None:
    """The largest half, quarter, ... of a recipe's batch size with which some steps and a validation can be made.

    Whoever ran out of memory must have let go of what it held.

    Args:
        recipe: The training that did not fit.
        splits: Its data.

    Returns:
        The batch size; None where not even a single image fits.
    """
    size = recipe.batch_size // 2
    while size:
        gc.collect()  # what failed before is held by circles of references alone
        if _fits(dataclasses.replace(recipe, batch_size=size), splits):
            return size
        size //= 2
    return None


def explain(recipe: Recipe, splits: Splits) -> str:
    """One line for who ran out of memory: what does fit."""
    what = f"out of memory with batch_size {recipe.batch_size}"
    size = find_fitting(recipe, splits)
    if size is None:
        return f"{what}, and so it is with 1: the model or the data are too large for this machine"
    return f"{what}; {size} fits, as {STEPS} steps have shown: train again with --batch-size {size}"


def _fits(recipe: Recipe, splits: Splits) -> bool:
    try:
        _try_steps(recipe, splits)
    except Exception as error:  # each backend has a kind of its own
        if not is_out_of_memory(error):
            raise
        return False
    return True


def _try_steps(recipe: Recipe, splits: Splits) -> None:
    splits, model = prepare(recipe, None, splits)
    trained = add_augmentation(model, recipe)
    pixels = max(trained)
    optimizer = build_optimizer(recipe, build_schedule(recipe, STEPS), trained[pixels])
    probe = splits.validation if len(splits.validation) else splits.train.take(np.arange(1))
    mirror = recipe.flip != "none"
    engine = engine_class()(model, trained, optimizer, splits.train, probe, recipe.label_smoothing, mirror)
    rows = np.arange(STEPS * recipe.batch_size, dtype=np.int32) % len(splits.train)
    for step in rows.reshape(STEPS, 1, recipe.batch_size):
        engine.run(step, pixels)
    engine.logits()
