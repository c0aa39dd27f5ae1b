"""What the app may start: which recipes, settings and names; and how what a job printed is shown."""

import re
from collections.abc import Mapping, Sequence

from cifarlab import recipes
from cifarlab.models.pretrained.builtin import NAME as BUILTIN
from cifarlab.recipes import Recipe
from cifarlab.runs.layout import RUN_NAME
from cifarlab.utils import discovery
from cifarlab.utils.errors import CifarlabError, WrongField

_LONGEST_NAME = 80


def resolve(recipe_name: str, settings: Sequence[str], data_names: Mapping[str, str]) -> Recipe:
    """The recipe with its settings, refused where it would run code or read files from elsewhere.

    Raises:
        CifarlabError: If anything is wrong with it; one line that says what.
    """
    known = discovery.names("recipes")
    if recipe_name not in known:
        raise WrongField(discovery.unknown("recipe", recipe_name, known), "recipe")
    resolved = recipes.override(recipes.load_recipe(recipe_name), settings)
    models = discovery.names("models")
    if resolved.model not in models:
        raise CifarlabError(discovery.unknown("model", resolved.model, models))
    if resolved.data not in data_names.values():
        raise WrongField(discovery.unknown("data set", resolved.data, data_names.values()), "data")
    if resolved.start_from not in ("", BUILTIN):  # a path on this machine, which a page must not name
        raise CifarlabError(
            f"a training from the app begins anew or with {BUILTIN}; with another run by cifarlab train --from. "
            f"Received: start_from={resolved.start_from}"
        )
    return resolved


def is_name(name: str) -> bool:
    """Whether a run or a study may be called so."""
    return len(name) <= _LONGEST_NAME and re.fullmatch(RUN_NAME, name) is not None


def plain_lines(text: str) -> str:
    """What a terminal would show at the end: without colours, and without lines that were written over."""
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).replace("\r\n", "\n")
    return "\n".join(line.rpartition("\r")[2] for line in text.split("\n")).strip("\n")
