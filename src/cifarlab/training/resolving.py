"""The recipe as it will be trained on this machine, from what a user named."""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from typing import Any

from cifarlab.recipes import Recipe, allow_own_code, load_recipe
from cifarlab.training import machine_rates
from cifarlab.training.starting_point import resolve_start
from cifarlab.utils.environment import choose_precision
from cifarlab.utils.progress import ProgressCallback, ignore


def resolve_recipe(
    recipe: str | Recipe,
    settings: Sequence[str],
    given: Mapping[str, Any],
    code: Sequence[str | os.PathLike[str]] = (),
    progress: ProgressCallback = ignore,
) -> Recipe:
    """The recipe as it will be trained; the own code that the user named with it is allowed from now on.

    Args:
        recipe: Its name, the path of a file with one, or a Recipe.
        settings: Overrides such as `"epochs=150"`.
        given: Fields by name, which go before settings.
        code: The user's own Python files that a recipe in JSON may name.
        progress: Told what is measured of this machine, where something must be.

    Raises:
        CifarlabError: If any of these is wrong.
    """
    resolved = resolve_start(load_recipe(recipe) if isinstance(recipe, str) else recipe, settings)
    resolved = dataclasses.replace(resolved, **given)
    machine_rates.measure_what_is_open(resolved.precision, progress)
    resolved = dataclasses.replace(resolved, precision=choose_precision(resolved.precision))
    allow_own_code(resolved, code)
    return resolved
