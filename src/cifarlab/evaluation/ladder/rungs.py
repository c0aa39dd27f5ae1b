"""The rungs of a ladder: recipes in their order, what each says of itself, and what it changed."""

import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cifarlab import recipes as catalog
from cifarlab.recipes import Recipe, from_dict, load_recipe, settings_of, to_dict
from cifarlab.utils import discovery
from cifarlab.utils.errors import CifarlabError

REASON = "Does not count for the record, because "
_NUMBERED = re.compile(r"dense(\d+)")
_SIDE = re.compile(r"dense_\w+")


@dataclass(frozen=True)
class Rung:
    """One recipe on the ladder.

    Attributes:
        name: The recipe's, or that of the user's own file.
        source: What `cifarlab train` takes.
        title: The first line of its docstring: which technique it adds.
        expected: The docstring's paragraph that begins with "Expect"; may be empty.
        reason: Why it stands beside the ladder and does not count for the record; empty where it counts.
        commands: That train and evaluate it, as its docstring shows them; may be empty.
    """

    name: str
    source: str
    recipe: Recipe
    title: str
    expected: str = ""
    reason: str = ""
    commands: tuple[str, ...] = ()


@dataclass(frozen=True)
class Change:
    """A setting of two recipes; None where one of them does not have it."""

    setting: str
    before: Any
    after: Any


def find_rungs(recipes: Sequence[str] = ()) -> list[Rung]:
    """The rungs in their order.

    Args:
        recipes: Names, or paths of a user's own files; by default `dense1`, `dense2`, ... and then `dense_<word>`.

    Raises:
        CifarlabError: If there is no such recipe, two have one name, or a side rung does not say why it is one.
    """
    rungs = [_read(source) for source in recipes or ladder_names(discovery.names("recipes"))]
    if not rungs:
        raise CifarlabError(
            "there are no recipes dense1, dense2, ... yet: name those that make the ladder, such as cifarlab ladder "
            "mlp1 mlp2 mlp3"
        )
    names = [rung.name for rung in rungs]
    for name in names:
        if names.count(name) > 1:
            raise CifarlabError(f"two rungs have the name {name}: give each recipe once, under a name of its own")
    return rungs


def ladder_names(names: Sequence[str]) -> list[str]:
    """Those of these recipes that make the ladder: numbered ones by their number, then those beside it."""
    numbered = {int(match[1]): name for name in names if (match := _NUMBERED.fullmatch(name))}
    return [numbered[number] for number in sorted(numbered)] + [name for name in names if _SIDE.fullmatch(name)]


def rung_below(rung: Rung, rungs: Sequence[Rung]) -> Rung | None:
    """The rung that one is held against; None for the first.

    On the ladder it is the one before; beside it, the one on the ladder with the fewest other settings, of several the
    highest.
    """
    on_ladder = [each for each in rungs if not each.reason]
    if not rung.reason:
        place = on_ladder.index(rung)
        return on_ladder[place - 1] if place else None
    return min(reversed(on_ladder), key=lambda each: len(changes(each.recipe, rung.recipe)), default=None)


def changes(before: Recipe, after: Recipe) -> list[Change]:
    """Every setting that differs, in the order of the recipe's fields; the seed is none."""
    old, new = _settings(before), _settings(after)
    order = [item.name for item in dataclasses.fields(Recipe)]
    names = sorted(dict.fromkeys([*old, *new]), key=lambda name: order.index(name.partition(".")[0]))
    return [Change(name, old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name)]


def is_training_of(trained: Recipe, recipe: Recipe) -> bool:
    """Whether a run's recipe has the settings of a rung's, in any seed, and in any precision where that is `"auto"`."""
    precision = trained.precision if recipe.precision == "auto" else recipe.precision
    return not changes(dataclasses.replace(recipe, precision=precision), trained)


def _settings(recipe: Recipe) -> dict[str, Any]:
    """Settings as `--set` names them, compared alike whether a recipe wrote a list or a tuple."""
    return {name: value for name, value in settings_of(from_dict(to_dict(recipe))).items() if name != "seed"}


def _read(source: str) -> Rung:
    recipe = load_recipe(source)
    name = Path(source).stem
    about = catalog.describe_recipe(source)
    reason = next((text for text in catalog.paragraphs(source) if text.startswith(REASON)), "")
    if _SIDE.fullmatch(name) and not reason:
        wanted = f'give its docstring a paragraph that begins with "{REASON}"'
        raise CifarlabError(f"{source} stands beside the ladder and does not say why: {wanted}")
    title, reason = about["summary"].rstrip("."), reason.removeprefix(REASON)
    return Rung(name, source, recipe, title, about["expected"], reason, tuple(catalog.commands(source)))
