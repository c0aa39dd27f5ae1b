"""TrainingState: everything that a training is at the end of an epoch, explicit, on disk and back.

The shuffle of an epoch follows from the seed and the epoch's number, the schedule from the optimizer's step count,
and the random states of dropout and augmentation are variables; so variables, history and the best epoch are all.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from cifarlab.runs import Run
from cifarlab.utils import files
from cifarlab.utils.array_files import BROKEN_ARCHIVE, open_arrays
from cifarlab.utils.arrays import Array
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.json_text import parse_json

Rows = list[Mapping[str, float]]


@dataclass
class TrainingState:
    """A training between two epochs.

    Attributes:
        values: Every variable of the model, its augmentation and the optimizer, in Keras's order.
        best: The model's variables at the best epoch so far.
        best_epoch: Its number, 0 before the first.
    """

    values: list[Array]
    best: list[Array]
    best_epoch: int = 0
    history: Rows = field(default_factory=list)

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
    """Write the state, atomically: a kill leaves this one or the one before."""
    # Under mixed bfloat16 too all variables are float32 or integers: NumPy's format has no bfloat16.
    arrays: dict[str, Any] = {f"values/{number}": value for number, value in enumerate(state.values)}
    arrays |= {f"best/{number}": value for number, value in enumerate(state.best)}
    notes = json.dumps({"best_epoch": state.best_epoch, "history": state.history})
    files.write_atomically(run.checkpoint_file, lambda file: np.savez(file, notes=np.array(notes), **arrays))


def load_checkpoint(run: Run) -> TrainingState:
    """Read what `save_checkpoint` wrote.

    Raises:
        CifarlabError: If there is none, or it is broken.
    """
    if not run.checkpoint_file.is_file():
        raise CifarlabError(f"{run.path} has no checkpoint: it stopped before its first epoch ended; train it again")
    try:
        with open_arrays(run.checkpoint_file) as stored:
            notes = parse_json(str(stored["notes"]), run.checkpoint_file)
            # Counted and not sorted by name: "values/10" would stand before "values/2".
            lists = [
                [stored[f"{group}/{n}"] for n in range(sum(key.startswith(f"{group}/") for key in stored))]
                for group in ("values", "best")
            ]
        return TrainingState(lists[0], lists[1], notes["best_epoch"], notes["history"])
    except BROKEN_ARCHIVE as error:
        raise CifarlabError(f"cannot read {run.checkpoint_file}: {error}; train again") from error
