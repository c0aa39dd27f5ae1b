"""When a training's state is copied from the device, when it is written, and which epoch is the best."""

import errno
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import keras

from cifarlab.runs import Run
from cifarlab.training.checkpoint import Rows, TrainingState, read_variables, save_checkpoint, write_variables
from cifarlab.training.dynamics_recorder import Recorder
from cifarlab.utils.errors import CifarlabError

CHECKPOINT_SECONDS = 10.0
# Of the time, at most this share goes into fetching the state, and as much into writing it: a twentieth in all. What
# takes less than this many seconds is done after every epoch.
CHECKPOINT_SHARE = 0.025
QUICK_SECONDS = 0.1


class CheckpointManager:
    """Saves the state of whole epochs, the last where that takes little time, and writes it now and then.

    The state of a wide network on an accelerator takes longer to fetch than an epoch of training, and longer still to
    write: then both are done so seldom that they take a small share of the time.

    Args:
        run: Where to.
        model: The network that is saved; its variables are among `variables`.
        variables: All that a checkpoint holds, in order. They are up to date whenever a method is called.
        recorder: What was noted of each image; written before the checkpoint, so that it is never behind it.
        state: Where the training begins or goes on.
        epochs: How many there will be; the last is always saved.

    Attributes:
        state: Of the last epoch that was saved.
    """

    def __init__(
        self,
        run: Run,
        model: keras.Model,
        variables: list[keras.Variable],
        recorder: Recorder,
        state: TrainingState,
        epochs: int,
    ) -> None:
        self._run, self._model, self._variables = run, model, variables
        self._recorder, self._epochs = recorder, epochs
        self.state = state
        self._best, self._best_epoch, self._history = state.best, state.best_epoch, list(state.history)
        self._copying, self._writing = _Throttle(0.0), _Throttle(CHECKPOINT_SECONDS)

    def save(self, row: dict[str, float]) -> bool:
        """Take note of one more epoch, of which the variables are; whether it is the best so far."""
        self._history.append(row)
        is_best = _is_best(self._history, self._best_epoch)
        if is_best:  # copied at once: the next step changes the variables in place
            self._best, self._best_epoch = read_variables(self._model.variables), len(self._history)
        self._run.write_history(self._history)
        # A kill costs what has happened since the last write; an interrupt only what has since the last copy.
        if self._copying.is_due() or len(self._history) == self._epochs:
            with self._copying:
                values = read_variables(self._variables)
            self.state = TrainingState(values, self._best, self._best_epoch, list(self._history))
            if self._writing.is_due():
                self.write()
                write_variables(self._variables, self.state.values)  # the training goes on where it was
        return is_best

    def write(self) -> None:
        """Write dynamics, checkpoint, last weights and the best model; the model is left with its best weights.

        Raises:
            CifarlabError: If a file cannot be written, or there is no room for it.
        """
        state = self.state
        if not state.epoch:
            return
        with self._writing:
            self._run.write_history(state.history)
            self._recorder.write(self._run, state.epoch)
            save_checkpoint(self._run, state)
            write_variables(self._variables, state.values)
            _save_keras(self._run.last_weights_file, self._model.save_weights, self._model)
            write_variables(self._model.variables, state.best)
            _save_keras(self._run.model_file, self._model.save, self._model)


class _Throttle:
    """How often something may be done: at most every so many seconds, and for a small share of the time."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._took = 0.0
        self._ended = time.monotonic()  # as if just done: the first checkpoint waits its seconds too

    def is_due(self) -> bool:
        pause = self._took / CHECKPOINT_SHARE if self._took > QUICK_SECONDS else 0.0
        return time.monotonic() - self._ended >= max(self._seconds, pause)

    def __enter__(self) -> None:
        self._began = time.monotonic()

    def __exit__(self, *_: object) -> None:
        self._ended = time.monotonic()
        self._took = self._ended - self._began


def _is_best(history: Rows, best_epoch: int) -> bool:
    """The best epoch is chosen here, on validation: higher accuracy, or the same with a lower loss; never on test.

    Where nothing is held out it is the latest.
    """
    if "validation_accuracy" not in history[-1] or not best_epoch:
        return True
    rows = history[-1], history[best_epoch - 1]
    new, best = ((row["validation_accuracy"], -row["validation_loss"]) for row in rows)
    return new > best


def _save_keras(path: Path, save: Callable[[str], object], model: keras.Model) -> None:
    """Save through a neighbour with the same ending, which Keras insists on, and only where there is room for it.

    A disk that fills up while Keras writes ends the process inside the HDF5 library; so the room is looked at first.
    """
    partial = path.with_name(f".partial-{path.name}")
    # Twice: where memory is short, Keras writes the weights beside the archive first. A MiB for all else.
    needed = 2 * sum(value.nbytes for value in read_variables(model.variables)) + 2**20
    try:
        if shutil.disk_usage(path.parent).free < needed:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        save(str(partial))
        partial.replace(path)
    except (OSError, RuntimeError) as error:
        partial.unlink(missing_ok=True)
        # The HDF5 library says in a RuntimeError what is one of files all the same; who calls asks for the cause.
        cause = error if isinstance(error, OSError) else OSError(errno.EIO, str(error))
        reason = cause.strerror or cause
        raise CifarlabError(f"cannot write {path}: {reason}; free some space") from cause
