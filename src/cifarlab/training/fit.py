"""The one training loop: epochs of steps, validation after each, nothing lost when it is interrupted."""

import errno
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from cifarlab.datasets import Splits
from cifarlab.recipes import Recipe
from cifarlab.runs import Run
from cifarlab.runs.predictions import Predictions
from cifarlab.training.augmentation.flip import mirrored
from cifarlab.training.augmentation.pipeline import add_augmentation
from cifarlab.training.checkpoint import (
    Rows,
    TrainingState,
    load_checkpoint,
    read_variables,
    save_checkpoint,
    write_variables,
)
from cifarlab.training.dynamics_recorder import Recorder
from cifarlab.training.engines import Engine, build_engine
from cifarlab.training.observer import TrainingObserver
from cifarlab.training.optimizers.build import build_optimizer
from cifarlab.training.optimizers.schedules import WarmupThenDecay, build_schedule
from cifarlab.utils.arrays import Array
from cifarlab.utils.errors import CifarlabError

CHECKPOINT_SECONDS = 10.0
# Of the time, at most this share goes into fetching the state, and as much into writing it: a twentieth in all. What
# takes less than this many seconds is done after every epoch.
KEEPING_SHARE = 0.025
QUICK_SECONDS = 0.1
DISPATCH_SECONDS = 0.3
Watcher = Callable[[int, "keras.Model", Predictions | None, dict[str, float]], None]


@dataclass(frozen=True)
class Task:
    """What is trained, on what, where to."""

    recipe: Recipe
    splits: Splits
    model: keras.Model
    run: Run

    @property
    def steps_per_epoch(self) -> int:
        """Whole batches in the training images."""
        return len(self.splits.train) // self.recipe.batch_size

    @property
    def image_pixels(self) -> int:
        """Height of the images at full size."""
        return self.splits.train.image_shape[0]


def fit(task: Task, show: TrainingObserver, watch: Watcher, resume: bool = False) -> TrainingState:
    """Train, epoch by epoch, and leave the run's files complete after each.

    Args:
        task: Recipe, data, freshly built model, run folder.
        show: Told about steps and epochs.
        watch: Called after each epoch with its number, the model, its predictions on validation and the row.
        resume: Continue from the run's checkpoint.

    Returns:
        The state after the last epoch; the model holds its best weights.

    Raises:
        CifarlabError: If the loss is no longer finite; the run keeps the last good weights.
    """
    trained = add_augmentation(task.model, task.recipe)
    whole = trained[task.image_pixels]
    schedule = build_schedule(task.recipe, task.steps_per_epoch)
    optimizer = build_optimizer(task.recipe, schedule, whole)
    variables = [*whole.variables, *optimizer.variables]
    recorder = Recorder(task.splits, task.recipe.epochs)
    if resume:
        state = load_checkpoint(task.run)
        _restore(task, variables, state)
        recorder.restore(task.run, state.epoch)
    else:
        state = TrainingState([], [])
    probe = task.splits.validation if len(task.splits.validation) else task.splits.train.take(np.arange(1))
    smoothing, mirror = task.recipe.label_smoothing, task.recipe.flip != "none"
    engine = build_engine(task.model, trained, optimizer, task.splits.train, probe, smoothing, mirror)
    show.start(task.recipe, task.run, task.steps_per_epoch, state.epoch + 1, task.recipe.epochs)
    keeper = _Keeper(task, engine, variables, recorder, state)
    try:
        for epoch in range(state.epoch + 1, task.recipe.epochs + 1):
            rows = _shuffled(task, epoch)
            row, losses, rights = _train_epoch(task, engine, epoch, rows, show)
            row["learning_rate"] = _learning_rate(schedule, epoch * task.steps_per_epoch - 1)
            predictions = _validate(task, engine, row)
            recorder.add(epoch, rows, losses, rights, predictions)
            is_best = keeper.keep(row)
            watch(epoch, task.model, predictions, row)
            show.epoch(row, is_best)
    finally:
        keeper.write()
        show.finish(task.run)
    return keeper.state


class _Keeper:
    """Keeps the state of a whole epoch, the last where that takes little time, and writes it now and then.

    The state of a wide network on an accelerator takes longer to fetch than an epoch of training, and longer still to
    write: then both are done so seldom that they take a small share of the time.

    Attributes:
        state: Of the last epoch that was kept.
    """

    def __init__(
        self, task: Task, engine: Engine, variables: list[keras.Variable], recorder: Recorder, state: TrainingState
    ) -> None:
        self._task = task
        self._engine = engine
        self._variables = variables
        self._recorder = recorder
        self.state = state
        self._best, self._best_epoch, self._history = state.best, state.best_epoch, list(state.history)
        self._copying, self._writing = _Pace(0.0), _Pace(CHECKPOINT_SECONDS)

    def keep(self, row: dict[str, float]) -> bool:
        """Take note of one more epoch; whether it is the best so far."""
        self._engine.synchronise()
        self._history.append(row)
        is_best = _is_best(self._history, self._best_epoch)
        if is_best:
            self._best, self._best_epoch = read_variables(self._task.model.variables), len(self._history)
        self._task.run.write_history(self._history)
        if self._copying.is_due() or len(self._history) == self._task.recipe.epochs:
            with self._copying:
                values = read_variables(self._variables)
            self.state = TrainingState(values, self._best, self._best_epoch, list(self._history))
            if self._writing.is_due():
                self.write()
                write_variables(self._variables, self.state.values)
        return is_best

    def write(self) -> None:
        """Write dynamics, checkpoint, last weights and the best model; the model is left with its best weights."""
        state = self.state
        if not state.epoch:
            return
        with self._writing:
            run, model = self._task.run, self._task.model
            run.write_history(state.history)
            self._recorder.write(run, state.epoch)
            save_checkpoint(run, state)
            write_variables(self._variables, state.values)
            _save_keras(run.last_weights_file, model.save_weights, model)
            write_variables(model.variables, state.best)
            _save_keras(run.model_file, model.save, model)


class _Pace:
    """How often something may be done: at most every so many seconds, and for a small share of the time."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._took = 0.0
        self._ended = time.monotonic()

    def is_due(self) -> bool:
        pause = self._took / KEEPING_SHARE if self._took > QUICK_SECONDS else 0.0
        return time.monotonic() - self._ended >= max(self._seconds, pause)

    def __enter__(self) -> None:
        self._began = time.monotonic()

    def __exit__(self, *_: object) -> None:
        self._ended = time.monotonic()
        self._took = self._ended - self._began


def _train_epoch(
    task: Task, engine: Engine, epoch: int, rows: Array, show: TrainingObserver
) -> tuple[dict[str, float], Array, Array]:
    """Take the steps of `rows`, `(S, B)`: the row of the history, and each image's loss and whether it was right."""
    pixels = (*task.recipe.image_pixels[epoch - 1 : epoch], task.image_pixels)[0]
    losses, rights = np.empty(rows.shape, np.float32), np.empty(rows.shape, bool)
    began = time.perf_counter()
    done, at_once = 0, 1
    while done < len(rows):
        start = time.perf_counter()
        new = slice(done, min(done + at_once, len(rows)))
        losses[new], rights[new] = engine.run(rows[new], pixels)
        # In float64, where no sum of losses overflows.
        means = losses[: new.stop].mean(axis=1, dtype=np.float64)
        _check_finite(task, means, epoch)
        now = time.perf_counter()
        images_per_second = new.stop * task.recipe.batch_size / (now - began)
        show.step(epoch, new.stop, float(means.mean()), float(rights[: new.stop].mean()), images_per_second)
        at_once = _steps_at_once(new.stop - done, now - start, len(rows))
        done = new.stop
    seconds = time.perf_counter() - began
    row = {
        "epoch": epoch,
        "train_loss": float(means.mean()),
        "train_accuracy": float(rights.mean()),
        "epoch_seconds": seconds,
        "images_per_second": rows.size / seconds,
    }
    return row, losses, rights


def _shuffled(task: Task, epoch: int) -> Array:
    """`(S, B)` int32: this epoch's order, from the seed and the epoch alone; the last partial batch is left out.

    A mirrored image's number is higher by the number of images, as `with_mirror_images` has them.
    """
    count = len(task.splits.train)
    order = np.random.default_rng([task.recipe.seed, epoch]).permutation(count)
    order = order + count * mirrored(task.recipe, epoch, count)[order]
    whole = task.steps_per_epoch * task.recipe.batch_size
    rows: Array = order[:whole].reshape(task.steps_per_epoch, task.recipe.batch_size).astype(np.int32)
    return rows


def _steps_at_once(steps: int, seconds: float, most: int) -> int:
    """A power of two of steps that takes about `DISPATCH_SECONDS`, so that few sizes are ever compiled."""
    wanted = max(1.0, DISPATCH_SECONDS * steps / max(seconds, 1e-6))
    return int(min(2 ** int(np.log2(wanted)), 4 * steps, most))


def _validate(task: Task, engine: Engine, row: dict[str, float]) -> Predictions | None:
    logits = engine.logits()
    _check_finite(task, logits, int(row["epoch"]))
    validation = task.splits.validation
    if not len(validation):
        return None  # the logits were those of one training image, to see that they are finite
    predictions = Predictions(validation.ids, validation.labels, logits, validation.class_names)
    row["validation_loss"] = float(predictions.losses.mean())
    row["validation_accuracy"] = float((predictions.predicted == predictions.labels).mean())
    return predictions


def _is_best(history: Rows, best_epoch: int) -> bool:
    """Higher validation accuracy, or the same with a lower loss; the latest epoch where nothing is held out."""
    if "validation_accuracy" not in history[-1] or not best_epoch:
        return True
    new, best = history[-1], history[best_epoch - 1]
    return (new["validation_accuracy"], -new["validation_loss"]) > (
        best["validation_accuracy"],
        -best["validation_loss"],
    )


def _check_finite(task: Task, values: Array, epoch: int) -> None:
    if np.isfinite(values).all():
        return
    if values.ndim == 1:
        step = (epoch - 1) * task.steps_per_epoch + int(np.argmin(np.isfinite(values))) + 1
        what = f"loss became {values[~np.isfinite(values)][0]:g} at step {step} (epoch {epoch})"
    else:
        what = f"logits became infinite or nan at step {epoch * task.steps_per_epoch} (epoch {epoch})"
    kept = f"the weights of epoch {epoch - 1} are kept in {task.run.path}" if epoch > 1 else "no epoch was finished"
    raise CifarlabError(f"{what}: {kept}; try a lower learning_rate")


def _learning_rate(schedule: WarmupThenDecay, step: int) -> float:
    return float(keras.ops.convert_to_numpy(schedule(step)))


def _restore(task: Task, variables: list[keras.Variable], state: TrainingState) -> None:
    try:
        write_variables(variables, state.values)
    except ValueError as error:
        raise CifarlabError(
            f"{task.run.checkpoint_file} does not fit the model {task.recipe.model}: {error}"
        ) from error


def _save_keras(path: Path, save: Callable[[str], object], model: keras.Model) -> None:
    """Save through a neighbour with the same ending, which Keras insists on, and only where there is room for it.

    A disk that fills up while Keras writes ends the process inside the HDF5 library; so the room is looked at first.
    """
    partial = path.with_name(f".partial-{path.name}")
    needed = 2 * sum(value.nbytes for value in read_variables(model.variables)) + 2**20
    try:
        if shutil.disk_usage(path.parent).free < needed:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        save(str(partial))
        partial.replace(path)
    except (OSError, RuntimeError) as error:
        partial.unlink(missing_ok=True)
        reason = getattr(error, "strerror", None) or error
        raise CifarlabError(f"cannot write {path}: {reason}; free some space") from error
