"""With which batch size a training fits into the memory there is: tried, not reckoned.

On a processor the tries are made in a process of their own: one that ran out of memory gets little of it back, and one
that is too large may be ended by the operating system. On an accelerator memory is the backend's, and is used again.
"""

import contextlib
import dataclasses
import gc
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from cifarlab.datasets import Splits
from cifarlab.recipes import Recipe, from_dict, to_dict
from cifarlab.training.augmentation.pipeline import add_augmentation
from cifarlab.training.engines import engine_class
from cifarlab.training.optimizers.build import build_optimizer
from cifarlab.training.optimizers.schedules import build_schedule
from cifarlab.training.preparation import prepare
from cifarlab.utils import own_code
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.memory import is_out_of_memory

STEPS = 3
"""So many are taken on trial: the first compiles, and holds less than those that follow it."""
_PROGRAM = "from cifarlab.training.batch_sizes import answer; answer()"


def find_fitting(recipe: Recipe, splits: Splits, devices: int = 1) -> int | None:
    """The largest half, quarter, ... of a recipe's batch size with which some steps and a validation can be made.

    Args:
        recipe: The training that did not fit.
        splits: Its data.
        devices: How many share each batch, which is divisible by their number.

    Returns:
        The batch size; None where not even a single image fits.

    Raises:
        CifarlabError: If it could not be tried.
    """
    fitting: list[int] = []
    if has_accelerator():
        try_sizes(recipe, splits, fitting.append, devices)
    else:
        fitting = _ask_another_process(recipe, splits)
    return max((size for size in fitting if size % devices == 0), default=None)


def explain(recipe: Recipe, splits: Splits, devices: int = 1) -> str:
    """One line for who ran out of memory: what does fit."""
    what = f"out of memory with batch_size {recipe.batch_size}"
    try:
        size = find_fitting(recipe, splits, devices)
    except CifarlabError as error:
        return f"{what}; which one fits could not be tried ({error}): train again with a smaller --batch-size"
    if size is None:
        return f"{what}, and so it is with {devices}: the model or the data are too large for this machine"
    return f"{what}; {size} fits, as {STEPS} steps have shown: train again with --batch-size {size}"


def has_accelerator() -> bool:
    """Whether the backend computes on something else than the processor."""
    return any(not name.lower().startswith("cpu") for name in keras.distribution.list_devices())


def try_sizes(recipe: Recipe, splits: Splits, fits: Callable[[int], object], devices: int = 1) -> None:
    """Tell each size that fits, from the smallest on: what was too large might leave no room for what is not."""
    for shift in range(recipe.batch_size.bit_length() - 1, 0, -1):
        gc.collect()  # what failed before is held by circles of references alone
        size = recipe.batch_size >> shift
        if size % devices:
            continue
        try:
            _try_steps(dataclasses.replace(recipe, batch_size=size), splits, devices)
        except Exception as error:  # each backend has a kind of its own
            if not is_out_of_memory(error):
                raise
            return
        fits(size)


def answer() -> None:
    """Be the process that tries: recipe and data come on standard input, sizes that fit go to standard output."""
    with contextlib.suppress(OSError):  # Linux alone: if memory runs out for all, this process is ended
        Path("/proc/self/oom_score_adj").write_text("1000")
    values, splits = pickle.load(sys.stdin.buffer)  # of the process that asks, and nobody else
    if own_code.is_own(values["model"]):  # that process was told so by its user: it has executed it
        own_code.allow_files([values["model"]])
    try_sizes(from_dict(values), splits, _tell)


def _tell(size: int) -> None:
    os.write(1, f"fits {size}\n".encode())  # to the process that asks, and no terminal


def _ask_another_process(recipe: Recipe, splits: Splits) -> list[int]:
    question = pickle.dumps((to_dict(recipe), splits))
    done = subprocess.run([sys.executable, "-c", _PROGRAM], input=question, capture_output=True, check=False)
    lines = done.stdout.decode(errors="replace").splitlines()
    sizes = [int(line.removeprefix("fits ")) for line in lines if line.startswith("fits ")]
    if done.returncode > 0 and not sizes:  # ended by a signal it had run out of memory too
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise CifarlabError(said[-1] if said else f"exit code {done.returncode}")
    return sizes


def _try_steps(recipe: Recipe, splits: Splits, devices: int) -> None:
    splits, model = prepare(recipe, None, splits)
    trained = add_augmentation(model, recipe)
    pixels = max(trained)
    optimizer = build_optimizer(recipe, build_schedule(recipe, STEPS), trained[pixels])
    probe = splits.validation if len(splits.validation) else splits.train.take(np.arange(1))
    mirror = recipe.flip != "none"
    engine = engine_class()(model, trained, optimizer, splits.train, probe, recipe.label_smoothing, mirror, devices)
    rows = np.arange(STEPS * recipe.batch_size, dtype=np.int32) % len(splits.train)
    for step in rows.reshape(STEPS, 1, recipe.batch_size):
        engine.run(step, pixels)
    engine.logits()
