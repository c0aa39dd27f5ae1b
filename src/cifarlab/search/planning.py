"""What a study is going to be: the recipe it varies, and how many epochs it takes."""

import dataclasses
import os
from collections.abc import Sequence

from cifarlab.recipes import Recipe, allow_own_code, load_recipe
from cifarlab.search.confirmation import CANDIDATES
from cifarlab.search.rounds import plan_rounds
from cifarlab.search.rules import Rules
from cifarlab.search.space import check_fixed
from cifarlab.training.plan import check_recipe
from cifarlab.training.starting_point import resolve_start
from cifarlab.utils.errors import CifarlabError

CONFIRM, EPOCHS = 0.1, 20


@dataclasses.dataclass(frozen=True)
class Plan:
    """How much a study is going to be: epochs of all trainings together.

    Attributes:
        search: Of the trials, at most.
        confirmation: Of the winners and the recipe as shipped.
        rounds: How many rounds of trials.
    """

    search: int
    confirmation: int
    rounds: int


def plan_study(rules: Rules, confirm: bool = True) -> Plan:
    """How many epochs a study takes, if no trial fails; with the median rule, at most."""
    rounds = plan_rounds(rules)
    epochs = rules.seeds_per_trial * sum(
        count * (rung - before)
        for counts, rungs in rounds
        for count, rung, before in zip(counts, rungs, (0, *rungs), strict=False)
    )
    confirmed = min(CANDIDATES, sum(counts[-1] for counts, _ in rounds)) + 1
    return Plan(epochs, rules.confirm_seeds * confirmed * rules.epochs if confirm else 0, len(rounds))


def prepare(
    recipe: str | Recipe,
    rules: Rules,
    fixed: Sequence[str] = (),
    confirm: float = CONFIRM,
    code: Sequence[str | os.PathLike[str]] = (),
) -> Recipe:
    """The recipe that a study varies, checked before any data are read.

    Raises:
        CifarlabError: If it cannot be had, or its trials could not be compared.
    """
    check_fixed(fixed)
    shipped = resolve_start(load_recipe(recipe) if isinstance(recipe, str) else recipe, fixed)
    allow_own_code(shipped, code)
    check_recipe(shipped, together=False)
    if not shipped.validation_fraction:
        raise CifarlabError("trials are compared on validation images: --fix validation_fraction=0.1")
    return dataclasses.replace(shortened(shipped, rules.epochs), confirmation_fraction=confirm)


def default_epochs(recipe: str | Recipe) -> int:
    """The most that a trial has where nothing else is asked for: the recipe's own, or 20 where it has more."""
    return min(EPOCHS, (load_recipe(recipe) if isinstance(recipe, str) else recipe).epochs)


def shortened(recipe: Recipe, epochs: int) -> Recipe:
    """The recipe with another number of epochs; what it does in its first epochs takes the same share of them.

    Example:
        >>> shortened(Recipe(model="mlp", epochs=100, warmup_epochs=5), 20).warmup_epochs
        1.0
    """
    share = epochs / recipe.epochs
    pixels = [recipe.image_pixels[int(epoch / share)] for epoch in range(round(len(recipe.image_pixels) * share))]
    return dataclasses.replace(
        recipe, epochs=epochs, warmup_epochs=recipe.warmup_epochs * share, image_pixels=tuple(pixels)
    )
