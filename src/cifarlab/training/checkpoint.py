"""TrainingState: everything that a training is at the end of an epoch, explicit, on disk and back.

The shuffle of an epoch follows from the seed and the epoch's number, the schedule from the optimizer's step count,
and the random states of dropout and augmentation are variables; so variables, history and the best epoch are all, and
torch's own random state, from which Keras takes dropout there.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

from cifarlab.runs import Run
from cifarlab.utils import files
from cifarlab.utils.array_files import BROKEN_ARCHIVE, open_arrays
from cifarlab.utils.arrays import Array
from cifarlab.utils.errors import CifarlabError, say_error
from cifarlab.utils.json_text import parse_json

Rows = list[Mapping[str, float]]
_CHECKSUM = "checksum"


@dataclass
class TrainingState:
    """A training between two epochs.

    Attributes:
        values: Every variable of the model, its augmentation and the optimizer, in Keras's order.
        best: The model's variables at the best epoch so far.
        best_epoch: Its number, 0 before the first.
        random: The backend's own random states, see `Engine.random_states`; none from earlier versions.
    """

    values: list[Array]
    best: list[Array]
    best_epoch: int = 0
    history: Rows = field(default_factory=list)
    random: list[Array] = field(default_factory=list)

    @property
    def epoch(self) -> int:
        """How many epochs are done."""
        return len(self.history)


def read_variables(variables: Sequence[Any]) -> list[Array]:
    """Copies of Keras variables as NumPy arrays."""
    # Copies: what torch gives is the variable's own memory, which the next step changes.
    return [np.array(keras.ops.convert_to_numpy(variable.value)) for variable in variables]


def write_variables(variables: Sequence[Any], values: Sequence[Array]) -> None:
    """Assign NumPy arrays to Keras variables, in order."""
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def save_checkpoint(run: Run, state: TrainingState) -> None:
    """Write the state with its checksum, atomically; the one before stays beside it.

    Raises:
        CifarlabError: If it cannot be written.
    """
    # Under mixed bfloat16 too all variables are float32 or integers: NumPy's format has no bfloat16.
    arrays: dict[str, Any] = {f"values/{number}": value for number, value in enumerate(state.values)}
    arrays |= {f"best/{number}": value for number, value in enumerate(state.best)}
    arrays |= {f"random/{number}": value for number, value in enumerate(state.random)}
    notes = json.dumps({"best_epoch": state.best_epoch, "history": state.history})
    arrays["notes"] = np.array(notes)
    arrays[_CHECKSUM] = np.array(_checksum(arrays))
    before = run.earlier_checkpoint_file
    files.write_atomically(run.checkpoint_file, lambda file: np.savez(file, **arrays), keep_as=before)


def load_checkpoint(run: Run, tell: Callable[[str], object] = lambda text: None) -> TrainingState:
    """Read what `save_checkpoint` wrote; where that is damaged, the one before.

    Args:
        run: Whose.
        tell: Called with a sentence where the one before had to be taken.

    Raises:
        CifarlabError: If there is none, or none is whole.
    """
    there = [file for file in (run.checkpoint_file, run.earlier_checkpoint_file) if file.is_file()]
    if not there:
        raise CifarlabError(f"{run.path} has no checkpoint: it stopped before its first epoch ended; train it again")
    try:
        return _read(there[0])
    except CifarlabError as error:
        if len(there) == 1:
            raise CifarlabError(f"{error}; train again") from error
        state = _read_earlier(there[1], error)
        tell(f"{error}: {there[1].name} is taken instead, which is of epoch {state.epoch}")
        return state


def _read_earlier(path: Path, damage: CifarlabError) -> TrainingState:
    try:
        return _read(path)
    except CifarlabError as error:
        raise CifarlabError(f"{damage}, nor the one before it, {path.name}; train again") from error


def _read(path: Path) -> TrainingState:
    try:
        with open_arrays(path) as stored:
            arrays = {name: stored[name] for name in stored}
        # Of an earlier version it has none.
        if (written := arrays.pop(_CHECKSUM, None)) is not None and str(written) != _checksum(arrays):
            raise ValueError("its checksum is not that of its content")
        notes = parse_json(str(arrays["notes"]), path)
        # Counted and not sorted by name: "values/10" would stand before "values/2".
        lists = [
            [arrays[f"{group}/{n}"] for n in range(sum(key.startswith(f"{group}/") for key in arrays))]
            for group in ("values", "best", "random")
        ]
        return TrainingState(lists[0], lists[1], notes["best_epoch"], notes["history"], lists[2])
    except BROKEN_ARCHIVE as error:
        raise CifarlabError(f"cannot read {path}: {say_error(error)}") from error


def _checksum(arrays: Mapping[str, Any]) -> str:
    """BLAKE2 of all names, types, shapes and values."""
    digest = hashlib.blake2b(digest_size=16)
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype.str} {array.shape} ".encode())
        digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
