"""From a recipe's name to a finished run, and from a stopped run to a finished one."""

import dataclasses
import os
import shlex
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cifarlab.datasets import Splits
from cifarlab.recipes import Recipe, allow_own_code, load_recipe, to_dict
from cifarlab.runs import Run, create_run, kept_code, open_run
from cifarlab.runs.trained_images import remember_images
from cifarlab.training.beginning import begin_again, begin_by_number, open_beginning
from cifarlab.training.observer import TrainingObserver, choose_observer
from cifarlab.training.preparation import build_model, describe_splits, load_splits, prepare
from cifarlab.training.starting_point import resolve_start
from cifarlab.utils import discovery, files, own_code
from cifarlab.utils.environment import choose_backend, choose_precision, describe_environment
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.files import read_object

if TYPE_CHECKING:
    import keras


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

    Returns:
        The run, finished or paused.

    Raises:
        CifarlabError: If any of these is wrong, the data cannot be had, a model of the user's own cannot be trained or
            not be loaded again, or the loss is no longer finite.
    """
    observer = choose_observer(show)
    given: dict[str, Any] = {key: value for key, value in (("seed", seed), ("data", data)) if value is not None}
    settings = [*([] if start_from is None else [f"start_from={os.fspath(start_from)}"]), *settings]
    begin = None
    if recipe is None:
        begin, recipe, settings = begin_by_number(start_from, data, settings, data_dir, code)
    resolved = _resolve(recipe, settings, given, code)
    begin = begin or open_beginning(resolved.start_from, resolved.data, code)
    splits, model = prepare(resolved, data_dir, splits)
    if begin is not None:
        begin.hand_over(model, resolved, splits)
    run = create_run(Path(runs_dir), name or _run_name(recipe, resolved, settings))
    try:
        _describe(run, resolved, splits, model)
        if begin is not None:
            begin.record(run, splits)
        files.write_text(run.command_file, _command(recipe, settings, given, data_dir, run) + "\n")
    except BaseException:  # an interrupt too: what lacks a file is no run, and would be in the way of the next one
        shutil.rmtree(run.path)
        raise
    with run.owned():
        _fit(run, resolved, splits, model, observer, until=until, resume=False)
    return run


def _run_name(recipe: str | Recipe, resolved: Recipe, settings: Sequence[str]) -> str:
    label = Path(recipe if isinstance(recipe, str) else resolved.model).stem
    # Fold 0 is the default of every training: it is in the name only where somebody set it.
    is_fold = resolved.fold or any(setting.partition("=")[0].strip() == "fold" for setting in settings)
    return f"{label}{f'-fold{resolved.fold}' if is_fold else ''}-seed{resolved.seed}"


def _describe(run: Run, recipe: Recipe, splits: Splits, model: "keras.Model") -> None:
    """Write down all that is known of a run before its first step, its command apart."""
    run.set_state("running")
    files.write_json(run.recipe_file, to_dict(recipe))
    files.write_json(run.data_file, describe_splits(splits))
    remember_images(run, splits.train, splits.validation)
    kept = {"code": notes} if (notes := kept_code.keep_code(run, recipe)) else {}
    files.write_json(run.environment_file, {**describe_environment(), "parameters": model.count_params(), **kept})


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
    resolved = _resolve(recipe, settings, {} if data is None else {"data": data})
    if own_code.is_own(resolved.model):
        prepare(resolved, data_dir)


def resume(
    run: Run | str | Path,
    *,
    data_dir: str | Path | None = None,
    code: Sequence[str | os.PathLike[str]] = (),
    show: TrainingObserver | bool | None = None,
    splits: Splits | None = None,
    until: int | None = None,
) -> Run:
    """Continue a run that was stopped or killed, from its last checkpoint, to the same end.

    Args:
        run: The run, or its folder.
        data_dir: Where the data are now; by default where they were.
        code: The user's own Python files that the run's recipe names, where it does.
        show: Whether to show the progress: live in a notebook and on a terminal, else a line now and then, on standard
            error. None: in a notebook, at a prompt and on a terminal. Or your own `TrainingObserver`.
        splits: The data, where they are loaded already.
        until: Pause again after this epoch.

    Returns:
        The run, finished or paused.

    Raises:
        CifarlabError: If the run is finished, has no checkpoint, or the data or the own code are not those it was
            trained with, or its own code has not been named.
    """
    observer = choose_observer(show)
    own_code.allow_files(code)
    run = run if isinstance(run, Run) else open_run(run)
    with run.owned():
        splits, model = _prepare_again(run, data_dir, splits)
        run.set_state("running", "resumed")
        if not run.trained_images_file.is_file():  # begun by an earlier version
            remember_images(run, splits.train, splits.validation)
        _fit(run, run.recipe, splits, model, observer, until=until, resume=True)
    return run


def _prepare_again(run: Run, data_dir: str | Path | None, splits: Splits | None) -> tuple[Splits, "keras.Model"]:
    """Data and model of a run that was stopped, and every reason why it cannot go on."""
    if run.state["state"] == "finished":
        raise CifarlabError(f"{run.path} is finished: nothing to resume; train again under another name")
    if run.is_being_trained():
        raise CifarlabError(f"{run.path} is being trained by process {run.state['process']}: stop that one first")
    if not run.checkpoint_file.is_file():
        raise CifarlabError(f"{run.path} has no checkpoint: it stopped before its first epoch ended; train it again")
    again = f"cifarlab train --resume {shlex.quote(str(run.path))} "
    kept_code.check_code(run, again)
    from cifarlab.datasets import older_split

    choose_backend()
    backend = read_object(run.environment_file, "backend")["backend"]
    if choose_backend() != backend:  # random states are kept in another form, and digits would differ
        raise CifarlabError(f"{run.path} was trained on {backend}: set KERAS_BACKEND={backend} to resume it")
    splits = splits or load_splits(run.recipe, data_dir or run.data.get("data_dir"))
    if describe_splits(splits)["fingerprints"] != run.data.get("fingerprints"):
        why = older_split(run.data, splits.source)
        raise CifarlabError(f"the data are not those that {run.path} was trained on{why}: give those as --data-dir")
    own = own_code.is_own(run.recipe.model)
    module = kept_code.load_model_code(run, again) if own else discovery.load("models", run.recipe.model)
    model = build_model(module, run.recipe, splits)
    if not run.checkpoint_file.is_file():  # what the checkpoint has would replace it
        begin_again(run, model, splits)
    return splits, model


def _resolve(
    recipe: str | Recipe,
    settings: Sequence[str],
    given: Mapping[str, Any],
    code: Sequence[str | os.PathLike[str]] = (),
) -> Recipe:
    """The recipe as it will be trained; the own code that the user named with it is allowed from now on."""
    resolved = resolve_start(load_recipe(recipe) if isinstance(recipe, str) else recipe, settings)
    choose_backend()
    resolved = dataclasses.replace(resolved, **given)
    resolved = dataclasses.replace(resolved, precision=choose_precision(resolved.precision))
    allow_own_code(resolved, code)
    return resolved


def _fit(
    run: Run,
    recipe: Recipe,
    splits: Splits,
    model: "keras.Model",
    show: TrainingObserver,
    *,
    until: int | None,
    resume: bool,
) -> None:
    from cifarlab.training.fit import Task, fit
    from cifarlab.training.tensorboard import EventWriter

    every = max(1, recipe.epochs // 10) if until is None else None
    try:
        with EventWriter(run, recipe, splits.validation, every, len(run.history()) + 1) as events:
            state = fit(Task(recipe, splits, model, run), show, events, resume=resume, until=until)
    except KeyboardInterrupt:
        run.set_state("stopped", "interrupted")
        raise
    except Exception as error:  # whatever it is, the run says so; then it goes on to who called
        run.set_state("failed", str(error))
        raise
    seconds = sum(row["epoch_seconds"] for row in state.history)
    files.write_json(run.environment_file, {**run.environment, "training_seconds": seconds})
    if state.epoch < recipe.epochs:
        run.set_state("stopped", f"paused after epoch {state.epoch} of {recipe.epochs}")
    else:
        run.set_state("finished")


def _command(
    recipe: str | Recipe, settings: Sequence[str], given: Mapping[str, object], data_dir: object, run: Run
) -> str:
    """The command that makes the run again."""
    words = ["cifarlab", "train", recipe if isinstance(recipe, str) else str(run.recipe_file)]
    for setting in settings:
        words += ["--set", setting]
    for key, value in given.items():
        words += [f"--{key}", str(value)]
    if data_dir is not None:
        words += ["--data-dir", str(data_dir)]
    # A recipe in JSON only tells of own code: the user names it.
    named = [] if isinstance(recipe, str) and not recipe.endswith(".json") else kept_code.copies(run)
    return shlex.join([*words, *(word for each in named for word in ("--code", each))])
