"""How a training that is resumed had ended, and what that cost."""

import contextlib
from pathlib import Path

from cifarlab.recipes import Recipe
from cifarlab.runs import Run
from cifarlab.utils.processes import Process
from cifarlab.utils.text import duration

_WRITTEN = ("run.json", "history.csv", "checkpoint*", "events.*", "train/*", "validation/*", ".*.partial")


def describe(run: Run) -> str:
    """One sentence, before the training goes on: how it ended, from where it goes on, how much is lost."""
    state = run.state
    if state["state"] == "running":
        process = Process.read(state) or "its process"
        ended = f"{process} ended without a word: killed, perhaps for want of memory"
    else:
        ended = f"it was {state['state']}{f' ({why})' if (why := state.get('why')) else ''}"
    if run.has_checkpoint():
        since = max(run.checkpoint_file, run.earlier_checkpoint_file, key=_changed)
        going = f"it goes on from its last checkpoint, and {_lost(run, _changed(since))}"
    else:
        began = _changed(run.command_file) or _changed(run.recipe_file)
        going = f"it had no checkpoint yet and begins again: {_lost(run, began)}"
    return f"{run.path}: {ended}; {going}"


def describe_early_stop(recipe: Recipe, epochs: int, best_epoch: int) -> str:
    """Why a training is over before its last epoch, by the recipe's `patience`; nothing where it is not.

    Args:
        recipe: Of the training.
        epochs: How many are done.
        best_epoch: The number of the best of them.
    """
    if not recipe.patience or epochs - best_epoch < recipe.patience or epochs == recipe.epochs:
        return ""
    measure = recipe.select_by.replace("_", " ")
    return (
        f"stopped early after epoch {epochs} of {recipe.epochs}: none of the last {recipe.patience} had a better "
        f"{measure} on validation than epoch {best_epoch}"
    )


def _lost(run: Run, since: float) -> str:
    """From then to the last sign of life: what a training writes, and nothing that others do."""
    signs = [path for pattern in _WRITTEN for path in run.path.glob(pattern)]
    seconds = max(0.0, *(_changed(path) - since for path in signs))
    return f"at most {duration(seconds)} of training are lost" if seconds >= 1 else "nothing is lost"


def _changed(path: Path) -> float:
    with contextlib.suppress(OSError):
        return path.stat().st_mtime
    return 0.0
