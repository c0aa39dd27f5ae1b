"""The one training loop: epochs of steps, validation after each, nothing lost when it is interrupted.

Where a gradient goes, from here to the weights:

    fit           epochs: order of the images -> steps -> validation -> CheckpointManager; here stands the loop
    _shuffled     (S, B) rows of the images, mirrored ones too, from seed and epoch alone: no state to keep
    engine.run    many steps in one call on the device: rows -> images (B, H, W, C) uint8 -> augmentation -> model
    objective     logits (B, K) and labels (B,) -> loss of each image (B,); its mean is differentiated
    optimizer     gradients of the trainable variables -> weight decay, learning rate of the step -> variables
    synchronise   variables back into Keras's (JAX keeps its own), before anything reads, validates or saves them
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import keras
import numpy as np

from cifarlab import metrics
from cifarlab.datasets import Splits
from cifarlab.recipes import Recipe
from cifarlab.runs import Run
from cifarlab.runs.first_steps import Mark, write_first_steps
from cifarlab.runs.predictions import Predictions
from cifarlab.training.augmentation.flip import mirrored
from cifarlab.training.augmentation.pipeline import add_augmentation
from cifarlab.training.averaged_weights import averaged_variables, exchanged
from cifarlab.training.checkpoint import TrainingState, write_variables
from cifarlab.training.checkpoint_manager import CheckpointManager
from cifarlab.training.class_weights import class_weights
from cifarlab.training.deadline import Deadline, OutOfTimeError
from cifarlab.training.dynamics_recorder import Recorder
from cifarlab.training.engines import Engine, engine_class
from cifarlab.training.first_steps import NotingEngine
from cifarlab.training.observer import TrainingObserver
from cifarlab.training.optimizers.build import build_optimizer
from cifarlab.training.optimizers.schedules import WarmupThenDecay, build_schedule
from cifarlab.utils.arrays import Array
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.progress import ProgressCallback

# One call of the engine takes about this long: seldom enough to cost nothing, often enough to show and to interrupt.
DISPATCH_SECONDS = 0.3
Watcher = Callable[[int, "keras.Model", Predictions | None, dict[str, float]], None]


@dataclass(frozen=True)
class Task:
    """What is trained, on what, where to, until when, and on how many devices.

    Attributes:
        until: Pause after this epoch; None to go on to the recipe's last.
        deadline: Pause before that time.
    """

    recipe: Recipe
    splits: Splits
    model: keras.Model
    run: Run
    until: int | None = None
    deadline: Deadline = field(default_factory=lambda: Deadline(None))
    devices: int = 1

    @property
    def steps_per_epoch(self) -> int:
        """Whole batches in the training images."""
        return len(self.splits.train) // self.recipe.batch_size

    @property
    def image_pixels(self) -> int:
        """Height of the images at full size."""
        return self.splits.train.image_shape[0]


def fit(task: Task, show: TrainingObserver, watch: Watcher, state: TrainingState | None = None) -> TrainingState:
    """Train, epoch by epoch, and leave the run's files complete after each.

    Args:
        task: Recipe, data, freshly built model, run folder.
        show: Told about steps and epochs.
        watch: Called after each epoch with its number, the model, its predictions on validation and the row.
        state: Of the checkpoint to go on from; by default begin.

    Returns:
        The state after the last epoch; the model holds its best weights.

    Raises:
        CifarlabError: If the loss is no longer finite; the run keeps the last good weights.
    """
    trained = add_augmentation(task.model, task.recipe)
    whole = trained[task.image_pixels]
    schedule = build_schedule(task.recipe, task.steps_per_epoch)
    optimizer = build_optimizer(task.recipe, schedule, whole)
    # Weights, batch statistics, the random states of dropout and augmentation, and the optimizer's moments and step
    # count: what a checkpoint must have, so that a resumed training goes on bit for bit.
    variables = [*whole.variables, *optimizer.variables]
    kept = averaged_variables(task.model, optimizer)
    recorder = Recorder(task.splits, task.recipe.epochs)
    random = engine_class().random_states()
    state = TrainingState([], []) if state is None else _restore(task, state, variables, random, recorder)
    engine = _engine(task, trained, optimizer)
    if not state.epoch:
        engine = NotingEngine(engine, task.steps_per_epoch, partial(write_first_steps, task.run))
    show.start(task.recipe, task.run, task.steps_per_epoch, state.epoch + 1, task.recipe.epochs)
    last = min(task.until or task.recipe.epochs, task.recipe.epochs)
    how = task.recipe.select_by, task.recipe.patience
    manager = CheckpointManager(task.run, task.model, variables, recorder, state, last, kept, *how, random)
    try:
        for epoch in range(state.epoch + 1, last + 1):
            if manager.is_over:  # after the epoch before, or as a run that was killed had been
                break
            began = time.monotonic()
            rows = _shuffled(task, epoch)
            row, losses, rights = _train_epoch(task, engine, epoch, rows, show)
            row["learning_rate"] = _learning_rate(schedule, epoch * task.steps_per_epoch - 1)  # of its last step
            engine.synchronise()
            with exchanged(task.model, kept):
                predictions = _validate(task, engine, row)
            recorder.add(epoch, rows, losses, rights, predictions)
            # The next epoch will take as long as this one, and then all is written.
            is_last = not task.deadline.leaves(time.monotonic() - began + manager.writing_seconds)
            is_best = manager.save(row, is_last)
            watch(epoch, task.model, predictions, row)
            show.epoch(row, is_best)
            if is_last:
                break
    except OutOfTimeError:
        pass  # the epoch that was begun is lost, as after an interrupt
    finally:  # after an interrupt or a loss that is no number too: the last whole epoch stays
        manager.write()
        show.finish(task.run)
    return manager.state


def try_rates(task: Task, schedule: keras.optimizers.schedules.LearningRateSchedule, steps: int) -> Iterator[float]:
    """Take steps by another schedule than the recipe's, writing nothing.

    Args:
        task: Recipe, data, freshly built model; its run is not asked for anything.
        schedule: The learning rate of each step, from 0; with the attribute `peak`, as `WarmupThenDecay`.
        steps: How many.

    Yields:
        The mean loss of each step's images before its update.
    """
    trained = add_augmentation(task.model, task.recipe)
    engine = _engine(task, trained, build_optimizer(task.recipe, schedule, trained[task.image_pixels]))
    for step in range(steps):
        epoch, place = divmod(step, task.steps_per_epoch)
        if not place:
            rows = _shuffled(task, epoch + 1)
        losses, _ = engine.run(rows[place : place + 1], _pixels(task, epoch + 1))
        yield float(losses.mean(dtype=np.float64))


def take_first_steps(task: Task, steps: int, progress: ProgressCallback) -> tuple[Mark, ...]:
    """Take the first steps of a training as `fit` does, writing nothing.

    Args:
        task: Recipe, data, freshly built model.
        steps: How many; no more than there are in an epoch.
        progress: Told how far it is.

    Returns:
        The weights at the beginning and after some of the steps.
    """
    trained = add_augmentation(task.model, task.recipe)
    optimizer = build_optimizer(
        task.recipe, build_schedule(task.recipe, task.steps_per_epoch), trained[task.image_pixels]
    )
    kept: list[tuple[Mark, ...]] = []
    engine = NotingEngine(_engine(task, trained, optimizer), task.steps_per_epoch, kept.append, last=steps)
    rows = _shuffled(task, 1)[:steps]
    for number, row in enumerate(rows):
        progress(f"step {number + 1} of {len(rows)}", number / len(rows))
        engine.run(row[np.newaxis], _pixels(task, 1))
    if not kept:
        raise CifarlabError("the loss became infinite or nan within the first steps, which it did not in the run")
    return kept[0]


def _pixels(task: Task, epoch: int) -> int:
    """An epoch's own height; past the end of the list the slice is empty, and the images have their full size."""
    return (*task.recipe.image_pixels[epoch - 1 : epoch], task.image_pixels)[0]


def _train_epoch(
    task: Task, engine: Engine, epoch: int, rows: Array, show: TrainingObserver
) -> tuple[dict[str, float], Array, Array]:
    """Take the steps of `rows`, `(S, B)`: the row of the history, and each image's loss and whether it was right."""
    pixels = _pixels(task, epoch)
    losses, rights = np.empty(rows.shape, np.float32), np.empty(rows.shape, bool)
    began = time.perf_counter()
    done, at_once = 0, 1  # one step first: it compiles, and an early fault is said early
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
        if done < len(rows):
            task.deadline.check()
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
    order = order + count * mirrored(task.recipe, epoch, count)[order]  # mirrored or not goes with the image
    whole = task.steps_per_epoch * task.recipe.batch_size
    rows: Array = order[:whole].reshape(task.steps_per_epoch, task.recipe.batch_size).astype(np.int32)
    return rows


def _steps_at_once(steps: int, seconds: float, most: int) -> int:
    """A power of two of steps that takes about `DISPATCH_SECONDS`, so that few sizes are ever compiled."""
    fitting = max(1.0, DISPATCH_SECONDS * steps / max(seconds, 1e-6))
    # Four times the last number at most: one short call is a rough measure, and a long one cannot be interrupted.
    return int(min(2 ** int(np.log2(fitting)), 4 * steps, most))


def _validate(task: Task, engine: Engine, row: dict[str, float]) -> Predictions | None:
    logits = engine.logits()
    _check_finite(task, logits, int(row["epoch"]))
    validation = task.splits.validation
    if not len(validation):
        return None  # the logits were those of one training image, to see that they are finite
    predictions = Predictions(validation.ids, validation.labels, logits, validation.class_names)
    row["validation_loss"] = float(predictions.losses.mean())
    row["validation_accuracy"] = float((predictions.predicted == predictions.labels).mean())
    if (name := f"validation_{task.recipe.select_by}") not in row:
        row[name] = metrics.measure(task.recipe.select_by, predictions).value or 0.0
    return predictions


def _check_finite(task: Task, values: Array, epoch: int) -> None:
    if np.isfinite(values).all():
        return
    if values.ndim == 1:  # mean losses, one a step; `argmin` of booleans is the first that is False
        step = (epoch - 1) * task.steps_per_epoch + int(np.argmin(np.isfinite(values))) + 1
        what = f"loss became {values[~np.isfinite(values)][0]:g} at step {step} (epoch {epoch})"
    else:
        what = f"logits became infinite or nan at step {epoch * task.steps_per_epoch} (epoch {epoch})"
    kept = f"the weights of epoch {epoch - 1} are kept in {task.run.path}" if epoch > 1 else "no epoch was finished"
    raise CifarlabError(f"{what}: {kept}; try a lower learning_rate")


def _learning_rate(schedule: WarmupThenDecay, step: int) -> float:
    return float(keras.ops.convert_to_numpy(schedule(step)))


def _engine(task: Task, trained: Mapping[int, keras.Model], optimizer: keras.optimizers.Optimizer) -> Engine:
    """The backend's engine, with all images on its device."""
    # Where nothing is held out, one training image shows whether the logits are still finite.
    probe = task.splits.validation if len(task.splits.validation) else task.splits.train.take(np.arange(1))
    smoothing, mirror = task.recipe.label_smoothing, task.recipe.flip != "none"
    data = task.splits.train, probe
    weights = class_weights(task.recipe, task.splits.train)
    return engine_class()(
        task.model, trained, optimizer, *data, smoothing, mirror, devices=task.devices, class_weights=weights
    )


def _restore(
    task: Task, state: TrainingState, variables: list[keras.Variable], random: list[Any], recorder: Recorder
) -> TrainingState:
    """The state of the run's checkpoint, put into the variables and the recorder."""
    try:
        write_variables(variables, state.values)
        if len(state.random) == len(random):  # an earlier version or another backend kept none
            write_variables(random, state.random)
    except ValueError as error:
        raise CifarlabError(
            f"{task.run.checkpoint_file} does not fit the model {task.recipe.model}: {error}"
        ) from error
    recorder.restore(task.run, state.epoch)
    return state
