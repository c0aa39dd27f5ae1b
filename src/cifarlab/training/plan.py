"""Several trainings from one command: all are checked before the first begins."""

import ast
import dataclasses
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cifarlab import datasets
from cifarlab.recipes import Recipe, allow_own_code, load_recipe, override
from cifarlab.runs.layout import RUN_NAME
from cifarlab.utils import discovery, own_code
from cifarlab.utils.errors import CifarlabError


@dataclass(frozen=True)
class Training:
    """One training that is going to be: what `training.train` wants to know of it."""

    recipe: str
    settings: tuple[str, ...] = ()
    seed: int | None = None
    data: str | None = None


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

    Raises:
        CifarlabError: If there is no recipe, both `seed` and `seeds` are given, or a name or setting is wrong.
    """
    if not recipes:
        raise CifarlabError("nothing to train: name a recipe, such as mlp2 (see cifarlab recipes), or --resume RUN")
    if seed is not None and seeds is not None:
        raise CifarlabError(f"--seed {seed} and --seeds {seeds} exclude each other: give one of them")
    wanted: Iterable[int | None] = range(seeds) if seeds is not None else [seed]
    parts = [(f"validation_fraction={1 / folds!r}", f"fold={fold}") for fold in range(folds)] if folds else [()]
    trainings = [
        Training(recipe, (*settings, *part), number, data) for recipe in recipes for number in wanted for part in parts
    ]
    for training in trainings:
        recipe = override(load_recipe(training.recipe), training.settings)
        given: dict[str, Any] = {"seed": training.seed, "data": data}
        recipe = dataclasses.replace(recipe, **{key: value for key, value in given.items() if value is not None})
        allow_own_code(recipe, code)
        check_recipe(recipe)
        _check_run_name(name or Path(training.recipe).stem)
    return trainings


def check_recipe(recipe: Recipe) -> None:
    """Refuse data and models that are not there, and settings that the model does not take, without importing Keras.

    Raises:
        CifarlabError: With the nearest right name.
    """
    datasets.split_name(recipe.data)
    _check_model(recipe)


def _check_run_name(name: str) -> None:
    if not re.fullmatch(RUN_NAME, name):
        raise CifarlabError(
            f"a run's name is made of letters, digits, '.', '_' and '-': give another --name. Received: {name!r}"
        )


def _check_model(recipe: Recipe) -> None:
    """Refuse a model that is not there, and settings that it does not take, without importing Keras."""
    known = discovery.names("models")
    if not own_code.is_own(recipe.model) and recipe.model not in known:
        raise CifarlabError(discovery.unknown("model", recipe.model, known))
    arguments = _build_arguments(_path_of(recipe.model))
    if arguments is None:
        return
    for key in recipe.model_args:
        if key not in arguments:
            raise CifarlabError(discovery.unknown("setting", f"model.{key}", [f"model.{name}" for name in arguments]))


def default_space(model: str) -> dict[str, str]:
    """What a search varies of a model by default, as its file says in `SEARCH_SPACE`; nothing where it says nothing.

    Raises:
        CifarlabError: If the file cannot be read, or does not write it out.
    """
    path = _path_of(model)
    for node in _read_source(path).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "SEARCH_SPACE":
            try:
                return {str(key): str(text) for key, text in dict(ast.literal_eval(node.value)).items()}
            except (ValueError, TypeError) as error:
                raise CifarlabError(
                    f"{path}: SEARCH_SPACE must be written out, such as {{'dropout': '0.0..0.5'}} ({error})"
                ) from error
    return {}


def _path_of(model: str) -> Path:
    own = own_code.is_own(model)
    return own_code.find(model) if own else Path(discovery.__file__).parents[1] / "models" / f"{model}.py"


def _read_source(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, OSError) as error:
        raise CifarlabError(f"cannot read {path}: {error}") from error


def _build_arguments(path: Path) -> list[str] | None:
    """What the `build` of a model's file takes beside shape and classes; None if its text does not tell."""
    for node in reversed(_read_source(path).body):
        if isinstance(node, ast.FunctionDef) and node.name == "build":
            if node.args.kwarg or node.decorator_list:
                return None
            named = [*node.args.posonlyargs, *node.args.args][2:] + node.args.kwonlyargs
            return [argument.arg for argument in named]
    return None
