"""From a recipe's name to a finished run, and from a stopped run to a finished one."""

import dataclasses
import shlex
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cifarlab import discover, files
from cifarlab.environment import choose_backend, choose_precision, describe_environment
from cifarlab.errors import CifarlabError
from cifarlab.overlap import remember_images
from cifarlab.recipe import Recipe, load_recipe, override, to_dict
from cifarlab.records import Splits
from cifarlab.runs import Run, create_run, open_run
from cifarlab.shuffling import shuffle_images
from cifarlab.training.progress import Progress, choose_observer
from cifarlab.wording import counted

if TYPE_CHECKING:
    import keras


def train(
    recipe: str | Recipe,
    *,
    settings: Sequence[str] = (),
    seed: int | None = None,
    data: str | None = None,
    data_dir: str | Path | None = None,
    runs_dir: str | Path = "runs",
    name: str | None = None,
    show: Progress | bool | None = None,
) -> Run:
    """Train a recipe in a new run folder.

    Args:
        recipe: A recipe's name, the path of a file with one, or a Recipe.
        settings: Overrides such as `"epochs=150"` or `"model.widths=(2048,)"`.
        seed: Replaces the recipe's seed.
        data: Replaces the recipe's data set.
        data_dir: Where the data are, see `cifarlab.datasets`.
        runs_dir: Folder of all runs.
        name: The run's name; by default the recipe's and the seed's.
        show: Whether to show the progress: live in a notebook and on a terminal, else a line now and then, on standard
            error. None: in a notebook, at a prompt and on a terminal. Or an observer of your own, see `Progress`.

    Returns:
        The finished run.

    Raises:
        CifarlabError: If any of these is wrong, the data cannot be had, or the loss is no longer finite.
    """
    observer = choose_observer(show)
    resolved = override(load_recipe(recipe) if isinstance(recipe, str) else recipe, settings)
    given: dict[str, Any] = {key: value for key, value in (("seed", seed), ("data", data)) if value is not None}
    choose_backend()
    resolved = dataclasses.replace(resolved, **given)
    resolved = dataclasses.replace(resolved, precision=choose_precision(resolved.precision))
    splits = _load(resolved, data_dir)
    model = _build(resolved, splits)
    _check_it_can_be_trained(model, resolved)
    label = Path(recipe).stem if isinstance(recipe, str) else resolved.model
    is_fold = resolved.fold or any(setting.partition("=")[0].strip() == "fold" for setting in settings)
    label += f"-fold{resolved.fold}" if is_fold else ""
    run = create_run(Path(runs_dir), name or f"{label}-seed{resolved.seed}")
    try:
        run.set_state("running")
        files.write_json(run.recipe_file, to_dict(resolved))
        files.write_json(run.data_file, _describe_data(splits))
        remember_images(run, splits.train)
        files.write_json(run.environment_file, {**describe_environment(), "parameters": model.count_params()})
        command = _command(recipe if isinstance(recipe, str) else str(run.recipe_file), settings, given, data_dir)
        files.write_text(run.command_file, command + "\n")
    except BaseException:
        shutil.rmtree(run.path)
        raise
    _fit(run, resolved, splits, model, observer, resume=False)
    return run


def resume(run: Run | str | Path, *, data_dir: str | Path | None = None, show: Progress | bool | None = None) -> Run:
    """Continue a run that was stopped or killed, from its last checkpoint, to the same end.

    Args:
        run: The run, or its folder.
        data_dir: Where the data are now; by default where they were.
        show: Whether to show the progress: live in a notebook and on a terminal, else a line now and then, on standard
            error. None: in a notebook, at a prompt and on a terminal. Or an observer of your own, see `Progress`.

    Returns:
        The finished run.

    Raises:
        CifarlabError: If the run is finished, has no checkpoint, or the data are not those it was trained on.
    """
    observer = choose_observer(show)
    run = run if isinstance(run, Run) else open_run(run)
    if run.state["state"] == "finished":
        raise CifarlabError(f"{run.path} is finished: nothing to resume; train again under another name")
    if run.is_being_trained():
        raise CifarlabError(f"{run.path} is being trained by process {run.state['process']}: stop that one first")
    if not run.checkpoint_file.is_file():
        raise CifarlabError(f"{run.path} has no checkpoint: it stopped before its first epoch ended; train it again")
    from cifarlab.datasets import older_split

    choose_backend()
    wanted = run.environment["backend"]
    if choose_backend() != wanted:
        raise CifarlabError(f"{run.path} was trained on {wanted}: set KERAS_BACKEND={wanted} to resume it")
    splits = _load(run.recipe, data_dir or run.data["data_dir"])
    if _describe_data(splits)["fingerprints"] != run.data["fingerprints"]:
        why = older_split(run.data, splits.source)
        raise CifarlabError(f"the data are not those that {run.path} was trained on{why}: give those as --data-dir")
    model = _build(run.recipe, splits)
    run.set_state("running", "resumed")
    if not run.trained_images_file.is_file():  # begun by an earlier version
        remember_images(run, splits.train)
    _fit(run, run.recipe, splits, model, observer, resume=True)
    return run


def _load(recipe: Recipe, data_dir: str | Path | None) -> Splits:
    from cifarlab.datasets import load_data

    splits = load_data(recipe.data, data_dir=data_dir, **recipe.held_out)
    if not len(splits.train):
        raise CifarlabError(f"{recipe.data} has no training images: add a train/ folder, or evaluate a run on it")
    if recipe.batch_size > len(splits.train):
        there = counted(len(splits.train), "training image")
        raise CifarlabError(
            f"batch_size {recipe.batch_size} is more than the {there} of {recipe.data}: "
            f"give --batch-size {max(1, len(splits.train) // 10)}"
        )
    return splits


def _describe_data(splits: Splits) -> dict[str, Any]:
    """Source, classes, and a fingerprint of each split's images, so that altered data are noticed later."""
    fingerprints = {split: splits[split].fingerprint for split in ("train", "validation", "test")}
    names = list(splits.class_names)
    return {**dataclasses.asdict(splits.source), "class_names": names, "fingerprints": fingerprints}


def _build(recipe: Recipe, splits: Splits) -> "keras.Model":
    import keras

    from cifarlab.models._shuffle import shuffle_inputs

    module = discover.load("models", recipe.model)
    keras.utils.set_random_seed(recipe.seed)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16" if recipe.precision == "bfloat16" else "float32")
    try:
        model: keras.Model = module.build(splits.train.image_shape, len(splits.class_names), **recipe.model_args)
        model = shuffle_inputs(model) if recipe.shuffle_pixels else model
    except (TypeError, ValueError) as error:
        arguments = ", ".join(f"{key}={value!r}" for key, value in recipe.model_args.items())
        raise CifarlabError(f"model {recipe.model} cannot be built with {arguments}: {error}") from error
    finally:
        keras.config.set_dtype_policy(before)
    if hasattr(module, "adapt"):
        images = splits.train.images
        module.adapt(model, shuffle_images(images) if recipe.shuffle_pixels else images)
    return model


def _check_it_can_be_trained(model: "keras.Model", recipe: Recipe) -> None:
    """Refuse what does not fit before a run folder is made."""
    from cifarlab.training.augmentation import augmented
    from cifarlab.training.optimizers import build_optimizer
    from cifarlab.training.schedules import build_schedule

    trained = augmented(model, recipe)
    build_optimizer(recipe, build_schedule(recipe, 1), trained[max(trained)])


def _fit(run: Run, recipe: Recipe, splits: Splits, model: "keras.Model", show: Progress, *, resume: bool) -> None:
    from cifarlab.training.fit import Task, fit
    from cifarlab.training.tensorboard import EventWriter

    every = max(1, recipe.epochs // 10)
    try:
        with EventWriter(run, recipe, splits.validation, every, len(run.history()) + 1) as events:
            state = fit(Task(recipe, splits, model, run), show, events, resume=resume)
    except KeyboardInterrupt:
        run.set_state("stopped", "interrupted")
        raise
    except Exception as error:
        run.set_state("failed", str(error))
        raise
    seconds = sum(row["epoch_seconds"] for row in state.history)
    files.write_json(run.environment_file, {**run.environment, "training_seconds": seconds})
    run.set_state("finished")


def _command(recipe: str, settings: Sequence[str], given: Mapping[str, object], data_dir: object) -> str:
    """The command that makes the run again."""
    words = ["cifarlab", "train", recipe]
    for setting in settings:
        words += ["--set", setting]
    for key, value in given.items():
        words += [f"--{key}", str(value)]
    if data_dir is not None:
        words += ["--data-dir", str(data_dir)]
    return shlex.join(words)
