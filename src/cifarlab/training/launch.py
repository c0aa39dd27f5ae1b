"""From a recipe's name to a finished run, and from a stopped run to a finished one."""

import contextlib
import functools
import os
import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cifarlab.datasets import Splits
from cifarlab.recipes import Recipe, to_dict
from cifarlab.runs import Run, create_run, kept_code, open_run
from cifarlab.runs.own_labels import keep_labels
from cifarlab.runs.trained_images import remember_images
from cifarlab.training import stops
from cifarlab.training.beginning import begin_again, begin_by_number, open_beginning
from cifarlab.training.class_weights import advise_on_imbalance
from cifarlab.training.deadline import Deadline
from cifarlab.training.devices import choose_again, choose_devices, record_devices
from cifarlab.training.extension import check_extension, extend
from cifarlab.training.naming import make_command, run_name
from cifarlab.training.observer import TrainingObserver, choose_observer, tell
from cifarlab.training.preparation import correct_splits, describe_splits, note_differences, prepare, rebuild
from cifarlab.training.resolving import resolve_recipe
from cifarlab.utils import files, own_code
from cifarlab.utils.environment import describe_environment
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.formats import stamped
from cifarlab.utils.memory import is_out_of_memory
from cifarlab.utils.random_state import kept_random_state

if TYPE_CHECKING:
    import keras

    from cifarlab.training.checkpoint import TrainingState
    from cifarlab.training.fit import Task


@kept_random_state()
def train(
    recipe: str | Recipe | None = None,
    *,
    start_from: str | os.PathLike[str] | None = None,
    settings: Sequence[str] = (),
    seed: int | None = None,
    data: str | None = None,
    data_dir: str | Path | None = None,
    runs_dir: str | Path = "runs",
    name: str | None = None,
    code: Sequence[str | os.PathLike[str]] = (),
    show: TrainingObserver | bool | None = None,
    splits: Splits | None = None,
    until: int | None = None,
    max_seconds: float | None = None,
    devices: int | str | None = None,
    labels: str | Path | None = None,
) -> Run:
    """Train a recipe in a new run folder.

    Args:
        recipe: A recipe's name, the path of a file with one, or a Recipe. With `start_from` none is needed: then one is
            chosen by the number of pictures a class, and said.
        start_from: A run's folder, or `"builtin"`: begin with its trained weights instead of random ones. The network
            is its own, the last layer a new one where the classes are others.
        settings: Overrides such as `"epochs=150"` or `"model.widths=(2048,)"`.
        seed: Replaces the recipe's seed.
        data: Replaces the recipe's data set.
        data_dir: Where the data are, see `cifarlab.datasets`.
        runs_dir: Folder of all runs.
        name: The run's name; by default the recipe's and the seed's.
        code: The user's own Python files that a recipe in JSON may name; others of its are not executed.
        show: Whether to show the progress: live in a notebook and on a terminal, else a line now and then, on standard
            error. None: in a notebook, at a prompt and on a terminal. Or your own `TrainingObserver`.
        splits: The data, where they are loaded already, with what the recipe holds out; by default they are loaded.
        until: Pause after this epoch, to go on by `resume`; by default train to the recipe's last. A training that is
            one of many writes no pictures for TensorBoard: they would take longer than a short training.
        max_seconds: Pause before so many seconds are over, after an epoch if the next one would not fit.
        devices: How many devices share the images of each step, or `"all"`; by default one.
        labels: A labels file, by which training and validation images are relabelled and dropped; the run keeps a copy.

    Returns:
        The run, finished or paused.

    Raises:
        CifarlabError: If any of these is wrong, the data cannot be had, a model of the user's own cannot be trained or
            not be loaded again, the loss is no longer finite, or memory runs out.
    """
    observer, deadline = choose_observer(show), Deadline(max_seconds)
    given: dict[str, Any] = {key: value for key, value in (("seed", seed), ("data", data)) if value is not None}
    settings = [*([] if start_from is None else [f"start_from={os.fspath(start_from)}"]), *settings]
    begin = None
    if recipe is None:
        begin, recipe, settings = begin_by_number(start_from, data, settings, data_dir, code)
    resolved = resolve_recipe(
        recipe,
        settings,
        given,
        code,
        lambda what, _share: tell(observer, f"measuring this machine, once, for up to half a minute: {what}"),
    )
    begin = begin or open_beginning(resolved.start_from, resolved.data, code)
    count = choose_devices(devices, resolved)
    corrected = None if labels is None else correct_splits(resolved, data_dir, splits, labels)
    splits, model = prepare(resolved, data_dir, splits if corrected is None else corrected[0])
    if begin is not None:
        begin.hand_over(model, resolved, splits)
    run = create_run(Path(runs_dir), name or run_name(recipe, resolved, settings))
    with run.owned():
        try:
            _describe(run, resolved, splits, model)
            if corrected is not None:
                keep_labels(run, *corrected[1:])
            if begin is not None:
                begin.record(run, splits)
            record_devices(run, count)
            given |= {} if devices is None else {"devices": devices}
            files.write_text(run.command_file, make_command(recipe, settings, given, data_dir, run) + "\n")
        except BaseException:  # an interrupt too: what lacks a file is no run, and would be in the way of the next one
            shutil.rmtree(run.path, ignore_errors=os.name != "posix")  # elsewhere its lock cannot be removed
            raise
        _fit(_make_task(resolved, splits, model, run, until, deadline, count), observer, resume=False)
    return run


def _describe(run: Run, recipe: Recipe, splits: Splits, model: "keras.Model") -> None:
    """Write down all that is known of a run before its first step, its command apart."""
    run.set_state("running")
    files.write_json(run.recipe_file, stamped(to_dict(recipe)))
    told = [*splits.source.notices, *filter(None, [advise_on_imbalance(recipe, splits.train)])]
    files.write_json(run.data_file, stamped({**describe_splits(splits), "notices": told}))
    remember_images(run, splits.train, splits.validation)
    kept = {"code": notes} if (notes := kept_code.keep_code(run, recipe)) else {}
    known = {**describe_environment(), "parameters": model.count_params(), **kept}
    files.write_json(run.environment_file, stamped(known))


def check_own(recipe: str, settings: Sequence[str], data: str | None, data_dir: str | Path | None) -> None:
    """Refuse a training with a model of the user's own as `train` would, but before others take their hours.

    Args:
        recipe: As for `train`; so are the others.
        settings: Overrides.
        data: Replaces the recipe's data set.
        data_dir: Where the data are.

    Raises:
        CifarlabError: As for `train`.
    """
    resolved = resolve_recipe(recipe, settings, {} if data is None else {"data": data})
    if own_code.is_own(resolved.model):
        prepare(resolved, data_dir)


@kept_random_state()
def resume(
    run: Run | str | Path,
    *,
    data_dir: str | Path | None = None,
    code: Sequence[str | os.PathLike[str]] = (),
    show: TrainingObserver | bool | None = None,
    splits: Splits | None = None,
    until: int | None = None,
    max_seconds: float | None = None,
    devices: int | str | None = None,
    epochs: int | None = None,
) -> Run:
    """Continue a run that was stopped or killed, from its last checkpoint, to the same end.

    A run that was stopped before its first checkpoint begins again.

    Args:
        run: The run, or its folder.
        data_dir: Where the data are now; by default where they were.
        code: The user's own Python files that the run's recipe names, where it does.
        show: Whether to show the progress: live in a notebook and on a terminal, else a line now and then, on standard
            error. None: in a notebook, at a prompt and on a terminal. Or your own `TrainingObserver`.
        splits: The data, where they are loaded already.
        until: Pause again after this epoch.
        max_seconds: Pause again before so many seconds are over.
        devices: As for `train`; by default as many as before. The run notes where it was another number.
        epochs: More epochs than the recipe has, for a finished run too: it ends as if it had been begun with them, bit
            for bit, and so is refused where the schedule depends on their number. By default the recipe's.

    Returns:
        The run, finished or paused.

    Raises:
        CifarlabError: If the run is finished or being trained, no checkpoint of it is whole, or the data or the own
            code are not those it was trained with, or its own code has not been named.
    """
    observer, deadline = choose_observer(show), Deadline(max_seconds)
    own_code.allow_files(code)
    run = run if isinstance(run, Run) else open_run(run)
    with run.owned():
        longer = None if epochs is None else check_extension(run, epochs)
        splits, model = _prepare_again(run, data_dir, splits, is_extended=longer is not None)
        count = choose_again(devices, run)
        if not run.has_checkpoint():  # the network is new, and must begin with what the run began with
            begin_again(run, model, splits)
        note_differences(run)
        record_devices(run, count, again=True)
        tell(observer, stops.describe(run))
        files.clear_partials(run.path)
        run.set_state("running", "resumed")
        if longer is not None:
            extend(run, longer)
        # Begun by an earlier version; not where trained weights' own images would be forgotten.
        if not run.trained_images_file.is_file() and not run.started_from_file.is_file():
            remember_images(run, splits.train, splits.validation)
        _fit(_make_task(run.recipe, splits, model, run, until, deadline, count), observer, resume=True)
    return run


def _prepare_again(
    run: Run, data_dir: str | Path | None, splits: Splits | None, *, is_extended: bool
) -> tuple[Splits, "keras.Model"]:
    """Data and model of a run that was stopped, and every reason why it cannot go on."""
    if run.state["state"] == "finished" and not is_extended:
        why = f" ({early})" if (early := run.state.get("why")) else ""
        raise CifarlabError(f"{run.path} is finished{why}: nothing to resume; train again under another name")
    again = f"cifarlab train --resume {shlex.quote(str(run.path))} "
    return rebuild(run, again, data_dir, splits)


def _make_task(*parts: Any) -> "Task":
    from cifarlab.training.fit import Task  # which loads Keras

    return Task(*parts)


def _fit(task: "Task", show: TrainingObserver, *, resume: bool) -> None:
    """Train, and leave the run in the state that it is in then, whatever ends it."""
    run, epochs = task.run, task.recipe.epochs
    try:
        state = _train_on(task, show, resume)
    except KeyboardInterrupt:
        _note_end(run, "stopped", "interrupted")
        raise
    except own_code.RAISES as error:  # whatever it is, the run says so; then it goes on to who called
        if not is_out_of_memory(error):
            _note_end(run, "failed", str(error))
            if isinstance(error, CifarlabError | OSError) and run.is_gone():
                raise _gone(run) from error
            raise
        _note_end(run, "failed", "out of memory")
        state = None
    if state is None:  # outside of the handler: the error holds on to what took the memory
        raise _too_large(task)
    seconds = sum(row["epoch_seconds"] for row in state.history)
    files.write_json(run.environment_file, stamped({**run.environment, "training_seconds": seconds}))
    early = stops.describe_early_stop(task.recipe, state.epoch, state.best_epoch)
    if state.epoch < epochs and not early:
        run.set_state("stopped", f"paused after epoch {state.epoch} of {epochs}")
    else:
        run.set_state("finished", early)
        if early:
            tell(show, f"{run.path}: {early}")


def _train_on(task: "Task", show: TrainingObserver, resume: bool) -> "TrainingState":
    from cifarlab.training.checkpoint import load_checkpoint
    from cifarlab.training.fit import fit
    from cifarlab.training.tensorboard import EventWriter

    there = resume and task.run.has_checkpoint()
    state = load_checkpoint(task.run, functools.partial(tell, show)) if there else None
    first = 1 if state is None else state.epoch + 1
    with EventWriter(task.run, task.recipe, task.splits.validation, _epochs_between_pictures(task), first) as events:
        return fit(task, show, events, state)


def _epochs_between_pictures(task: "Task") -> int | None:
    """How many epochs there are between two that TensorBoard gets pictures of; None for none at all."""
    return max(1, task.recipe.epochs // 10) if task.until is None else None


def _note_end(run: Run, state: str, why: str) -> None:
    """Record how it ended; where the disk is full, what ended it is what must be told, and not that."""
    with contextlib.suppress(CifarlabError):
        run.set_state(state, why)


def _gone(run: Run) -> CifarlabError:
    again = f"cifarlab train --resume {shlex.quote(str(run.path))}"
    where = f"{run.path} is gone, perhaps with its disk or network folder"
    return CifarlabError(f"{where}: once it is back, {again} goes on from its last checkpoint")


def _too_large(task: "Task") -> CifarlabError:
    """What is said where memory ran out, with the batch size that fits; the run says so too."""
    from cifarlab.training import batch_sizes

    error = CifarlabError(batch_sizes.explain(task.recipe, task.splits, task.devices))
    _note_end(task.run, "failed", str(error))
    return error
