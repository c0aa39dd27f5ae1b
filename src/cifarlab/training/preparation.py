"""Data and model of a training, and every reason why it cannot begin, before a run folder is made."""

import dataclasses
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from cifarlab.datasets import SPLITS, Splits
from cifarlab.datasets.verdicts import Corrections, LabelsFile, correct_labels, read_labels
from cifarlab.models import shuffle_images
from cifarlab.recipes import Recipe
from cifarlab.runs import Run, kept_code
from cifarlab.runs.own_labels import LEARNED_FROM, with_own_labels
from cifarlab.training.own_model import check_form, check_own_model
from cifarlab.training.requirements import cannot_build, check_data, check_settings
from cifarlab.utils import discovery, files, own_code
from cifarlab.utils.environment import choose_backend, describe_environment, find_backend
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.files import read_object
from cifarlab.utils.formats import stamped
from cifarlab.utils.machine import kernels

if TYPE_CHECKING:
    import keras


def prepare(recipe: Recipe, data_dir: str | Path | None, splits: Splits | None = None) -> tuple[Splits, "keras.Model"]:
    """Data and model, and every check that can be made before the first step."""
    kept_code.check_keepable(recipe)
    _check_precision(recipe)
    splits = splits or load_splits(recipe, data_dir)
    check_settings(recipe, splits.train.image_shape)
    check_data(recipe, splits.train)
    module = discovery.load("models", recipe.model)
    model = build_model(module, recipe, splits)
    _check_it_can_be_trained(model, recipe)
    if own_code.is_own(recipe.model):  # the package's own models have their contract's tests
        check_own_model(model, module, splits.train)
    return splits, model


def load_splits(recipe: Recipe, data_dir: str | Path | None) -> Splits:
    """The data that a recipe names, with what it holds out.

    Raises:
        CifarlabError: If they cannot be had, or have no training images.
    """
    from cifarlab.datasets import load_data

    splits = load_data(recipe.data, data_dir=data_dir, **recipe.held_out)
    if not len(splits.train):
        raise CifarlabError(f"{recipe.data} has no training images: add a train/ folder, or evaluate a run on it")
    return splits


def rebuild(
    run: Run, again: str, data_dir: str | Path | None, splits: Splits | None = None
) -> tuple[Splits, "keras.Model"]:
    """Data and freshly built model of a run, to compute as it did: with its threads and kernels where that is possible.

    Args:
        run: The run.
        again: The command that names its code anew, for messages.
        data_dir: Where the data are now; by default where they were.
        splits: The data, where they are loaded already.

    Raises:
        CifarlabError: If data, own code or backend are not those it was trained with, or code has not been named.
    """
    from cifarlab.datasets import older_split

    kept_code.check_code(run, again)
    environment = read_object(run.environment_file, "backend")
    if find_backend() != environment["backend"]:  # random states are kept in another form, and digits would differ
        backend = environment["backend"]
        raise CifarlabError(f"{run.path} was trained on {backend}: set KERAS_BACKEND={backend} to resume it")
    choose_backend(environment)
    splits = with_own_labels(run, splits or load_splits(run.recipe, data_dir or run.data.get("data_dir")))
    if describe_splits(splits)["fingerprints"] != run.data.get("fingerprints"):
        why = older_split(run.data, splits.source)
        raise CifarlabError(f"the data are not those that {run.path} was trained on{why}: give those as --data-dir")
    own = own_code.is_own(run.recipe.model)
    module = kept_code.load_model_code(run, again) if own else discovery.load("models", run.recipe.model)
    return splits, build_model(module, run.recipe, splits)


def note_differences(run: Run) -> None:
    """Write down what of the machine is not as it was when a run began: from here on the bits may be others."""
    before = run.environment
    found = kernels.differences(before, describe_environment())
    notices = [f"the weights may differ from an uninterrupted training's: {'; '.join(found)}"] if found else []
    notices = list(dict.fromkeys([*before.get("notices", []), *notices]))  # those of earlier resumes stay
    resumed = [*before.get("resumed", []), {"after_epoch": len(run.history()), "differs": found}]
    files.write_json(run.environment_file, stamped({**before, "resumed": resumed, "notices": notices}))


def correct_splits(
    recipe: Recipe, data_dir: str | Path | None, splits: Splits | None, labels: str | Path
) -> tuple[Splits, LabelsFile, Corrections]:
    """The data that a recipe names, training and validation labels corrected.

    Args:
        recipe: Which data, and what it holds out.
        data_dir: Where they are.
        splits: The data as they are, where they are loaded already.
        labels: The labels file.

    Raises:
        CifarlabError: If the file is damaged, does not fit the data or says nothing of what is learned from, or the
            data cannot be had.
    """
    read = read_labels(labels)  # before the data: it takes no time
    splits, made = correct_labels(splits or load_splits(recipe, data_dir), read, LEARNED_FROM)
    made.check_used(read)
    return splits, read, made


def _check_precision(recipe: Recipe) -> None:
    if recipe.precision == "float16" and not describe_environment()["accelerators"]:
        raise CifarlabError(
            "precision=float16 is for GPUs, and this backend sees none: a processor computes it slower than float32; "
            "give precision=bfloat16, or auto"
        )


def describe_splits(splits: Splits) -> dict[str, Any]:
    """Source, classes, and a fingerprint of each split's images, so that altered data are noticed later."""
    fingerprints = {split: splits[split].fingerprint for split in SPLITS}
    names = list(splits.class_names)
    return {**dataclasses.asdict(splits.source), "class_names": names, "fingerprints": fingerprints}


def build_model(module: ModuleType, recipe: Recipe, splits: Splits) -> "keras.Model":
    """A freshly initialised network, from the recipe's seed.

    Args:
        module: With `build`, and `adapt` where layers learn from the training images first.
        recipe: Whose arguments, precision and seed.
        splits: For shape and classes.

    Raises:
        CifarlabError: If it cannot be built.
    """
    import keras

    from cifarlab.models.layers.shuffle_pixels import shuffle_inputs

    if not hasattr(module, "build"):
        raise CifarlabError(f"{recipe.model} defines no build(input_shape, num_classes, ...)")
    # A user's code raises what it likes; what the package's own raise beside these two are faults of ours.
    caught = own_code.RAISES if own_code.is_own(recipe.model) else (TypeError, ValueError)
    keras.utils.set_random_seed(recipe.seed)  # layers draw their initial weights, and seeds of their own, from it
    before = keras.config.dtype_policy()  # of the process: a notebook's own layers must not inherit ours
    is_mixed = recipe.precision in ("bfloat16", "float16")
    keras.config.set_dtype_policy(f"mixed_{recipe.precision}" if is_mixed else "float32")
    try:
        model: keras.Model = module.build(splits.train.image_shape, len(splits.class_names), **recipe.model_args)
        if own_code.is_own(recipe.model):
            check_form(model, recipe.model, splits.train)
        model = shuffle_inputs(model) if recipe.shuffle_pixels else model
    except CifarlabError:
        raise
    except caught as error:
        reason = own_code.describe_error(error, recipe.model) if caught is own_code.RAISES else error
        raise cannot_build(recipe, reason) from error
    finally:
        keras.config.set_dtype_policy(before)
    if recipe.start_from:
        from cifarlab.training.transfer import slow_down

        slow_down(model, recipe.from_rate)
    if hasattr(module, "adapt"):  # it sees images as the layers behind the shuffling will
        images = splits.train.images
        module.adapt(model, shuffle_images(images) if recipe.shuffle_pixels else images)
    return model


def _check_it_can_be_trained(model: "keras.Model", recipe: Recipe) -> None:
    """Refuse what does not fit before a run folder is made."""
    from cifarlab.training.augmentation.pipeline import add_augmentation
    from cifarlab.training.optimizers.build import build_optimizer
    from cifarlab.training.optimizers.schedules import build_schedule

    trained = add_augmentation(model, recipe)
    build_optimizer(recipe, build_schedule(recipe, 1), trained[max(trained)])
