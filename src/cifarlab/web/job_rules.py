"""What the app may start: which recipes, settings and names; and how what a job printed is shown."""

import re
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path

from cifarlab import recipes
from cifarlab.models.pretrained.builtin import NAME as BUILTIN
from cifarlab.recipes import Recipe
from cifarlab.runs import Run
from cifarlab.runs.layout import RUN_NAME
from cifarlab.training.plan import check_recipe
from cifarlab.training.starting_point import resolve_start
from cifarlab.utils import discovery
from cifarlab.utils.errors import CifarlabError, WrongField, blaming

_LONGEST_NAME = 80


def resolve(
    recipe_name: str, settings: Sequence[str], data_names: Mapping[str, str], *, together: bool = True
) -> Recipe:
    """The recipe with its settings, refused where it would run code or read files from elsewhere.

    Args:
        recipe_name: One of the built-in recipes.
        settings: Overrides such as `"epochs=150"`.
        data_names: The data sets that may be trained on, the values.
        together: Whether settings must fit each other; those of a search need not.

    Raises:
        CifarlabError: If anything is wrong with it that shows without Keras and without the data; in the words in which
            the training itself would refuse it.
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
    with blaming("start_from") if resolved.start_from else nullcontext():
        resolved = resolve_start(recipes.load_recipe(recipe_name), settings)
    check_recipe(resolved, together=together)
    return resolved


def is_name(name: str) -> bool:
    """Whether a run or a study may be called so."""
    return len(name) <= _LONGEST_NAME and re.fullmatch(RUN_NAME, name) is not None


def plain_lines(text: str) -> str:
    """What a terminal would show at the end: without colours, and without lines that were written over."""
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).replace("\r\n", "\n")
    return "\n".join(line.rpartition("\r")[2] for line in text.split("\n")).strip("\n")


def training_process(run: Run) -> int | None:
    """The number of the process that trains a run, if it certainly is a training of cifarlab (Linux only)."""
    if not run.state_file.is_file() or not run.is_being_trained():
        return None
    process = int(run.state["process"])
    try:
        words = Path(f"/proc/{process}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return None
    return process if "train" in words and any("cifarlab" in word for word in words) else None
