"""What a sweep trains: every recipe with every combination of values, each checked before the first training."""

import dataclasses
import hashlib
import itertools
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cifarlab.recipes import Recipe, allow_own_code, load_recipe
from cifarlab.search.parameters import parse
from cifarlab.search.space import Settings
from cifarlab.training.plan import check_recipe
from cifarlab.training.starting_point import resolve_start
from cifarlab.utils.errors import CifarlabError

MOST_LETTERS = 120
"""Of a run's name before its seed; a folder's name may have 255 bytes."""
_SAME_FOR_ALL = {
    "seed": "every combination is trained with the same seeds, see --seeds",
    "data": "combinations are compared on the same images: give --data for all",
    "validation_fraction": "combinations are compared on the same validation images: give --set for all",
    "confirmation_fraction": "combinations are compared on the same validation images: give --set for all",
    "fold": "combinations are compared on the same validation images: give --set for all",
}


@dataclass(frozen=True)
class Combination:
    """A recipe with some settings, to be trained with several seeds.

    Attributes:
        recipe_name: The recipe's, as it was given.
        settings: What is swept, by key, as `--set` takes it.
        name: What its runs' names begin with.
        recipe: What is trained, but for the seed.
    """

    recipe_name: str
    settings: Settings
    name: str
    recipe: Recipe

    @property
    def label(self) -> str:
        """For people."""
        return ", ".join([Path(self.recipe_name).stem, *(f"{key}={text}" for key, text in self.settings.items())])


def plan_sweep(
    recipes: Sequence[str],
    over: Sequence[str] = (),
    settings: Sequence[str] = (),
    data: str | None = None,
    code: Sequence[str | os.PathLike[str]] = (),
) -> list[Combination]:
    """Every combination, in the order in which they were given: the last key varies fastest.

    Args:
        recipes: Names, or files.
        over: Such as `"learning_rate=3e-4,1e-3"` or `"model.widths=(512,);(1024, 512)"`.
        settings: Overrides such as `"epochs=20"`, the same for all.
        data: Data set instead of the recipes' own.
        code: The user's own Python files that recipes in JSON may name.

    Raises:
        CifarlabError: If a recipe, key or value is wrong, something is given twice, or the combinations could not be
            compared on the same validation images.
    """
    if not recipes:
        raise CifarlabError("nothing to sweep: name a recipe, such as mlp2 (see cifarlab recipes)")
    if "seed" in _pairs(settings):
        raise CifarlabError(f"seed cannot be set: {_SAME_FOR_ALL['seed']}")
    swept = parse_over(over, settings)
    fixed = [*settings, *([f"data={data}"] if data is not None else [])]
    found = []
    for name in recipes:
        loaded = load_recipe(name)
        for values in itertools.product(*swept.values()):
            chosen = dict(zip(swept, values, strict=True))
            recipe = resolve_start(loaded, [*fixed, *(f"{key}={text}" for key, text in chosen.items())])
            allow_own_code(recipe, code)
            check_recipe(recipe)
            named = {**_pairs(settings), **({"data": data} if data else {}), **chosen}
            found.append(Combination(name, chosen, _run_name(name, named), recipe))
    _check_comparable(found)
    return found


def parse_over(over: Sequence[str], settings: Sequence[str] = ()) -> dict[str, tuple[str, ...]]:
    """The values of every swept key, as text.

    Example:
        >>> parse_over(["learning_rate=3e-4,1e-3"])
        {'learning_rate': ('3e-4', '1e-3')}

    Raises:
        CifarlabError: If there are none, one is given twice, or the key may not be swept.
    """
    swept: dict[str, tuple[str, ...]] = {}
    for text in over:
        key, separator, values = text.partition("=")
        key = key.strip()
        if not separator or not key or ".." in values:
            raise CifarlabError(f"--over takes key=values, such as learning_rate=3e-4,1e-3. Received: {text!r}")
        if key in _SAME_FOR_ALL:
            raise CifarlabError(f"{key} cannot be swept: {_SAME_FOR_ALL[key]}")
        if key in swept:
            raise CifarlabError(f"{key} is swept twice: give one --over with all its values")
        if key in _pairs(settings):
            raise CifarlabError(f"{key} is swept and set: give --over or --set")
        swept[key] = tuple(parse(key, values).ends())
    return swept


def _pairs(settings: Sequence[str]) -> Settings:
    """Keys and values of overrides that `override` checks."""
    return {key.strip(): text.strip() for key, _, text in (each.partition("=") for each in settings)}


def _run_name(recipe: str, differing: Mapping[str, str]) -> str:
    """Recipe and what differs from it, of letters that a run's name may have."""
    words = [Path(recipe).stem, *(f"{key}-{text}" for key, text in differing.items())]
    slug = "-".join(re.sub(r"[^A-Za-z0-9._]+", "-", re.sub(r"^\W+|\W+$", "", word)) for word in words)
    slug = re.sub(r"^[^A-Za-z0-9]+", "", slug) or "run"
    if len(slug) <= MOST_LETTERS:
        return slug
    return f"{slug[:MOST_LETTERS]}-{hashlib.blake2b(slug.encode(), digest_size=4).hexdigest()}"


def _check_comparable(found: Sequence[Combination]) -> None:
    first = found[0]
    for index, each in enumerate(found):
        if not each.recipe.validation_fraction:
            raise CifarlabError(
                f"{each.label} holds no images out, and combinations are compared on validation images: "
                "--set validation_fraction=0.1"
            )
        for key in ("data", *first.recipe.held_out):
            one, other = getattr(first.recipe, key), getattr(each.recipe, key)
            if one != other:
                raise CifarlabError(
                    f"{first.label} and {each.label} have other {key}, {one} and {other}, and cannot be compared on "
                    f"the same images: give {'--data' if key == 'data' else f'--set {key}={one}'} for all"
                )
        for earlier in found[:index]:
            if dataclasses.replace(earlier.recipe, seed=each.recipe.seed) == each.recipe:
                raise CifarlabError(f"{earlier.label} and {each.label} are the same training: leave one out")
