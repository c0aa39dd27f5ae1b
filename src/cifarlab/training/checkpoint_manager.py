"""When a training's state is copied from the device, when it is written, and which epoch is the best."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import keras

from cifarlab.runs import Run
from cifarlab.training.checkpoint import Rows, TrainingState, read_variables, save_checkpoint, write_variables
from cifarlab.training.dynamics_recorder import Recorder
from cifarlab.utils import files, model_files
from cifarlab.utils.best_epoch import IS_BEST

CHECKPOINT_SECONDS = 10.0
# Of the time, at most this share goes into fetching the state, as much into writing it, and half as much into the
# history: a fiftieth in all. So many seconds of each are free, so that of a short training every epoch is kept.
CHECKPOINT_SHARE = 0.008
FREE_SECONDS = 0.5


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
        kept: What the best epoch's weights are read from, one for each variable of `model`; by default these.
        select_by: By which measure on validation an epoch is the best, see `Recipe`.
        patience: After how many epochs without a better one the training is over; 0 for never.
        random: The backend's own random states, see `Engine.random_states`.

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
        kept: Sequence[keras.Variable] | None = None,
        select_by: str = "accuracy",
        patience: int = 0,
        random: Sequence[Any] = (),
    ) -> None:
        self._run, self._model, self._variables = run, model, variables
        self._kept, self._select_by = model.variables if kept is None else kept, select_by
        self._patience, self._random = patience, random
        self._recorder, self._epochs = recorder, epochs
        self.state = state
        self._best, self._best_epoch, self._history = state.best, state.best_epoch, list(state.history)
        self._copying, self._writing = _Throttle(0.0), _Throttle(CHECKPOINT_SECONDS)
        self._noting = _Throttle(0.0, CHECKPOINT_SHARE / 2)

    @property
    def is_over(self) -> bool:
        """Whether the training ends early: no epoch was better for as long as the recipe's patience."""
        return bool(self._patience) and len(self._history) - self._best_epoch >= self._patience

    @property
    def writing_seconds(self) -> float:
        """How long the last writing took."""
        return self._writing.took

    def save(self, row: dict[str, float], is_last: bool = False) -> bool:
        """Take note of one more epoch, of which the variables are; whether it is the best so far.

        Args:
            row: Of the history; where another measure than accuracy chooses, what it chose is noted in it.
            is_last: Keep it whatever it costs, since the training pauses here.
        """
        self._history.append(row)
        is_best = _is_best(self._history, self._best_epoch, self._select_by)
        if self._select_by != "accuracy" and "validation_accuracy" in row:
            row[IS_BEST] = float(is_best)
        if is_best:  # copied at once: the next step changes the variables in place
            self._best, self._best_epoch = read_variables(self._kept), len(self._history)
        if self._noting.is_due():
            with self._noting:
                self._run.write_history(self._history)
        # A kill costs what has happened since the last write; an interrupt only what has since the last copy.
        if self._copying.is_due() or is_last or self.is_over or len(self._history) == self._epochs:
            with self._copying:
                values, random = read_variables(self._variables), read_variables(self._random)
            self.state = TrainingState(values, self._best, self._best_epoch, list(self._history), random)
            if self._writing.is_due():
                self.write()
                write_variables(self._variables, self.state.values)  # the training goes on where it was
                write_variables(self._random, self.state.random)
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
            last = model_files.weights_of(model_files.to_archive(self._model))
            files.write_bytes(self._run.last_weights_file, last)
            write_variables(self._model.variables, state.best)
            files.write_bytes(self._run.model_file, model_files.to_archive(self._model))


class _Throttle:
    """How often something may be done: at most every so many seconds, and for a small share of the time."""

    def __init__(self, seconds: float, share: float | None = None) -> None:
        self._seconds, self._share = seconds, CHECKPOINT_SHARE if share is None else share
        self._began_at = self._ended = time.monotonic()  # as if just done: the first checkpoint waits its seconds too
        self._spent = self.took = 0.0

    def is_due(self) -> bool:
        now = time.monotonic()
        is_paid = self._spent <= FREE_SECONDS + self._share * (now - self._began_at)
        return is_paid and now - self._ended >= self._seconds

    def __enter__(self) -> None:
        self._began = time.monotonic()

    def __exit__(self, *_: object) -> None:
        self._ended = time.monotonic()
        self.took = self._ended - self._began
        self._spent += self.took


def _is_best(history: Rows, best_epoch: int, select_by: str) -> bool:
    """The best epoch is chosen here, by the recipe's measure on validation, then the lower loss; never on test.

    Where nothing is held out it is the latest.
    """
    if "validation_accuracy" not in history[-1] or not best_epoch:
        return True
    new, best = (_merit(row, select_by) for row in (history[-1], history[best_epoch - 1]))
    return new > best


def _merit(row: Mapping[str, float], select_by: str) -> tuple[float, float]:
    """Higher is better."""
    loss = row["validation_loss"]
    return (-loss if select_by == "loss" else row[f"validation_{select_by}"], -loss)
