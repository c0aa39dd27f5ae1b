"""How a training that is resumed had ended, and what that cost."""

import contextlib
import time
from pathlib import Path

from cifarlab.recipes import Recipe
from cifarlab.runs import Run
from cifarlab.utils.processes import Process
from cifarlab.utils.text import duration

_WRITTEN = ("run.json", "history.csv", "checkpoint*", "events.*", "train/*", "validation/*", ".*.partial")
_CLOCK_SECONDS = 60.0  # so far the clocks of two machines that share a disk may be apart


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
        going = f"it had no checkpoint yet and begins again: {_lost(run, _began(run))}"
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
    signs = [_changed(path) for pattern in _WRITTEN for path in run.path.glob(pattern)]
    # One in the future, or of before the training began: by such times "nothing is lost" may be hours.
    if max(signs) > time.time() + _CLOCK_SECONDS or min(signs) < _began(run) - _CLOCK_SECONDS:
        return "how much is lost cannot be told, since the clock was set or the files were copied"
    seconds = max(0.0, max(signs) - since)
    return f"at most {duration(seconds)} of training are lost" if seconds >= 1 else "nothing is lost"


def _began(run: Run) -> float:
    return _changed(run.command_file) or _changed(run.recipe_file)


def _changed(path: Path) -> float:
    with contextlib.suppress(OSError):
        return path.stat().st_mtime
    return 0.0
