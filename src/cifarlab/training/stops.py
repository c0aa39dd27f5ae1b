"""How a training that is resumed had ended, and what that cost."""

import contextlib
from pathlib import Path

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


def _lost(run: Run, since: float) -> str:
    """From then to the last sign of life: what a training writes, and nothing that others do."""
    signs = [path for pattern in _WRITTEN for path in run.path.glob(pattern)]
    seconds = max(0.0, *(_changed(path) - since for path in signs))
    return f"at most {duration(seconds)} of training are lost" if seconds >= 1 else "nothing is lost"


def _changed(path: Path) -> float:
    with contextlib.suppress(OSError):
        return path.stat().st_mtime
    return 0.0
