"""Several trainings from one command: all are checked before the first begins."""

import dataclasses
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cifarlab import datasets
from cifarlab.datasets.verdicts import read_labels
from cifarlab.models.pretrained import builtin
from cifarlab.recipes import Recipe, allow_own_code, load_recipe
from cifarlab.runs.layout import RUN_NAME
from cifarlab.training.requirements import check_settings, read_source
from cifarlab.training.starting_point import check_image_shape, resolve_start
from cifarlab.utils import syntax
from cifarlab.utils.errors import CifarlabError, blaming

CHOSEN = "finetune"
"""Stands for the recipe that is chosen by the number of pictures."""


@dataclass(frozen=True)
class Training:
    """One training that is going to be: what `training.train` wants to know of it.

    Where no recipe was named, but weights to begin with, `recipe` is empty: it is chosen when the pictures are there.
    `number` counts the folds' trainings, from 1; others have none.
    """

    recipe: str
    settings: tuple[str, ...] = ()
    seed: int | None = None
    data: str | None = None
    labels: str | None = None
    start_from: str | None = None
    number: int | None = None

    def name(self, asked: str | None) -> str | None:
        """What its run is called, where a name was asked for: of folds each has its number, the first one too."""
        return asked if asked is None or self.number is None else f"{asked}-{self.number}"


def plan_trainings(
    recipes: Sequence[str],
    settings: Sequence[str] = (),
    *,
    seed: int | None = None,
    seeds: int | None = None,
    folds: int | None = None,
    data: str | None = None,
    name: str | None = None,
    code: Sequence[str | os.PathLike[str]] = (),
    labels: str | Path | None = None,
    start_from: str | None = None,
) -> list[Training]:
    """Every recipe with every seed, each resolved once, so that a mistake in the last is found before the first.

    Args:
        recipes: Names of recipes, or paths of files.
        settings: Overrides such as `"epochs=150"`, for all of them.
        seed: One seed instead of the recipe's own.
        seeds: How many seeds to train each recipe with: 0, 1, ...
        folds: How many parts to hold out in turn, each in a training of its own.
        data: Data set instead of the recipe's own.
        name: Name of the runs' folders.
        code: The user's own Python files that recipes in JSON may name; others of theirs are not executed.
        labels: The labels file by which each corrects its training and validation labels.
        start_from: A run, or `builtin`, whose weights all begin with; then no recipe need be named.

    Raises:
        CifarlabError: If there is no recipe, both `seed` and `seeds` are given, or a name or setting is wrong.
    """
    if not recipes and start_from is None:
        raise CifarlabError("nothing to train: name a recipe, such as mlp2 (see cifarlab recipes), or --resume RUN")
    chosen = recipes or [""]
    if seed is not None and seeds is not None:
        raise CifarlabError(f"--seed {seed} and --seeds {seeds} exclude each other: give one of them")
    _check_overridden(settings, seeded=seed is not None or seeds is not None, folded=folds is not None)
    numbers: Iterable[int | None] = range(seeds) if seeds is not None else [seed]
    # `!r` keeps every digit: 0.3333 would be another part of the images than a third.
    parts = [(f"validation_fraction={1 / folds!r}", f"fold={fold}") for fold in range(folds)] if folds else [()]
    trainings = [
        Training(recipe, (*settings, *part), number, data, None if labels is None else str(labels), start_from)
        for recipe in chosen
        for number in numbers
        for part in parts
    ]
    if folds:
        trainings = [dataclasses.replace(each, number=number) for number, each in enumerate(trainings, 1)]
    if labels is not None:
        read_labels(labels)
    for training in trainings:
        _check(training, code)
        _check_run_name(name or Path(training.recipe or CHOSEN).stem)
    return trainings


def _check_overridden(settings: Sequence[str], *, seeded: bool, folded: bool) -> None:
    """Refuse settings that options set for each training."""
    keys = {each.partition("=")[0].strip() for each in settings}
    if seeded and "seed" in keys:
        raise CifarlabError("--set seed=N and --seed or --seeds exclude each other: give one of them")
    for key in ("fold", "validation_fraction"):
        if folded and key in keys:
            raise CifarlabError(f"--set {key} and --folds exclude each other: the folds say which part is held out")


def _check(training: Training, code: Sequence[str | os.PathLike[str]]) -> None:
    """Refuse what `training.train` would refuse, as far as that shows without Keras and without the data."""
    if not training.recipe and training.data is None:
        raise CifarlabError("name your pictures too: --data folder:my_pictures; or a recipe, see cifarlab recipes")
    recipe = resolve(training)
    allow_own_code(recipe, code)
    check_recipe(recipe)


def resolve(training: Training) -> Recipe:
    """What is trained, with the seed, the data and the settings; `precision="auto"` is left as it is."""
    begin = () if training.start_from is None else (f"start_from={training.start_from}",)
    # Which recipe is chosen by the number of pictures is known once they are read; all take the same settings.
    recipe = resolve_start(load_recipe(training.recipe or CHOSEN), (*begin, *training.settings))
    given: dict[str, Any] = {"seed": training.seed, "data": training.data}
    return dataclasses.replace(recipe, **{key: value for key, value in given.items() if value is not None})


def check_recipe(recipe: Recipe, *, together: bool = True) -> None:
    """Refuse data and models that are not there, and settings that the model does not take, without importing Keras.

    Args:
        recipe: What is to be trained.
        together: See `check_settings`.

    Raises:
        CifarlabError: With the nearest right name.
    """
    shape = datasets.image_shape(recipe.data)  # refuses a wrong name, and wrong options in it
    if recipe.start_from == builtin.NAME:
        with blaming("start_from"):
            check_image_shape(builtin.NAME, builtin.read_card()["image_shape"], shape, recipe.data)
    check_settings(recipe, shape, together=together)


def _check_run_name(name: str) -> None:
    if not re.fullmatch(RUN_NAME, name):
        raise CifarlabError(
            f"a run's name is made of letters, digits, '.', '_' and '-': give another --name. Received: {name!r}"
        )


def default_space(model: str) -> dict[str, str]:
    """What a search varies of a model by default, as its file says in `SEARCH_SPACE`; nothing where it says nothing.

    Raises:
        CifarlabError: If the file cannot be read, or does not write it out.
    """
    space = read_source(model, lambda source: syntax.constant(source, "SEARCH_SPACE")) or {}
    if not isinstance(space, dict) or not all(isinstance(each, str) for item in space.items() for each in item):
        raise CifarlabError(f"SEARCH_SPACE of {model} must be texts by name, such as {{'dropout': '0.0..0.5'}}")
    return space
