"""The training form's fields: what each setting is, how it is asked for, and what was typed as `--set` wants it."""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from inspect import cleandoc
from pathlib import Path
from typing import Any

import cifarlab
from cifarlab.evaluation.ladder.rungs import ladder_names
from cifarlab.models.pretrained.builtin import NAME as BUILTIN
from cifarlab.recipes import (
    FLIPS,
    OPTIMIZERS,
    PRECISIONS,
    SCHEDULES,
    Recipe,
    load_recipe,
    override,
    settings_of,
)
from cifarlab.training.requirements import check_settings
from cifarlab.utils import discovery
from cifarlab.utils.errors import CifarlabError, WrongField
from cifarlab.utils.syntax import described, docstring

CHOICES = {
    "optimizer": OPTIMIZERS,
    "schedule": SCHEDULES,
    "precision": PRECISIONS,
    "flip": FLIPS,
    "start_from": ("", BUILTIN),
}
# What most people want to change stands first; the rest is folded away.
FIRST = ("data", "epochs", "batch_size", "learning_rate", "seed")
_WHOLE = [field.name for field in dataclasses.fields(Recipe) if field.type is int]
PREFIX = "set."
"""Before a setting's name in the form and in addresses."""
FIRST_RECIPE = "mlp1"
DEFAULT_DATA = Recipe(model="").data
# In the order in which one gets to know them.
_RECIPES = {
    "First steps": ("mlp1", "mlp2", "mlp3", "smoke"),
    "Dense": (),  # the rungs of the ladder: a new one is one new file
    "Convolutional": ("convnet94", "convnet96", "resnet18"),
    "From a trained model": ("frozen", "finetune"),
}


@dataclass(frozen=True)
class Field:
    """A setting in the form.

    Attributes:
        key: As `--set` knows it.
        usual: What the recipe says, as the form shows it.
        kind: `"choice"`, `"switch"`, `"whole"`, `"number"`, `"numbers"` (several, commas between them),
            `"number?"` (one or several) or `"word"`.
        choices: Of a choice.
        about: What it is, in a sentence or two.
    """

    key: str
    usual: str
    kind: str
    choices: tuple[str, ...] = ()
    about: str = ""

    @property
    def title(self) -> str:
        """Its name as words."""
        words = self.key.replace("_", " ").replace(".", ": ")
        return words[:1].upper() + words[1:]

    def shown(self, text: str) -> str:
        """A value as `--set` or the form has it, as the form shows it: `(512, 256)` as `512, 256`."""
        is_bracketed = text.startswith("(") and text.endswith(")") and "(" not in text[1:]
        return text[1:-1].strip().removesuffix(",") if is_bracketed and self.kind in ("numbers", "number?") else text

    def setting(self, typed: str) -> str:
        """What was typed, as `--set` wants it."""
        text = typed.strip()
        several = self.kind == "numbers" or (self.kind == "number?" and "," in text)
        is_bare = several and not text.startswith(("(", "["))
        return f"{self.key}=" + (f"({text.removesuffix(',')},)" if text and is_bare else "()" if is_bare else text)


def training_fields(recipe: Recipe) -> list[Field]:
    """A recipe's settings as the form asks for them, the model's architecture left out."""
    about = {**_recipe_words(), **_model_words(recipe.model), **_optimizer_words(recipe.optimizer)}
    named = {name: value for name, value in settings_of(recipe).items() if name != "model"}
    fields = [_field(name, value, about.get(name, "")) for name, value in named.items()]
    return sorted(fields, key=lambda field: FIRST.index(field.key) if field.key in FIRST else len(FIRST))


def changed_settings(recipe: Recipe, typed: Mapping[str, str]) -> dict[str, str]:
    """Fields whose value is not what the recipe says, each with it as `key=value`."""
    return {
        PREFIX + field.key: field.setting(typed[PREFIX + field.key])
        for field in training_fields(recipe)
        if PREFIX + field.key in typed and typed[PREFIX + field.key].strip() != field.usual
    }


def group_recipes(names: Sequence[str]) -> dict[str, list[str]]:
    """Names of recipes under a heading each, in the order in which the form offers them."""
    offered = {**_RECIPES, "Dense": tuple(ladder_names(names))}
    known = {name for group in offered.values() for name in group}
    groups = {title: [name for name in group if name in names] for title, group in offered.items()}
    groups["Further recipes"] = [name for name in names if name not in known]
    return {title: group for title, group in groups.items() if group}


def carry(before: Recipe, after: Recipe, typed: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """What was typed for one recipe, for another one's form: its data, and what was changed and both have.

    An argument of a model or an optimizer is the same setting only where the model or the optimizer is the same.

    Returns:
        The fields; and the names of the settings that were changed, and that the other recipe has not.
    """
    optimizer = typed.get(f"{PREFIX}optimizer", before.optimizer)  # where it was changed, it comes along
    same = {
        "model": before.model == after.model,
        "optimizer": optimizer != before.optimizer or optimizer == after.optimizer,
    }
    known = {field.key for field in training_fields(after)}
    data = typed.get(f"{PREFIX}data", before.data)
    # The data that recipes have unless they say otherwise are nobody's choice; labels are of their data alone.
    is_own = data == before.data == DEFAULT_DATA and not typed.get("labels")
    kept, left = {} if is_own else {f"{PREFIX}data": data}, []
    for name in changed_settings(before, typed):
        key = name.removeprefix(PREFIX)
        if key in known and same.get(key.partition(".")[0] if "." in key else "", True):
            kept[name] = typed[name]
        else:
            left.append(key)
    return kept, left


def wrong_field(recipe: Recipe, changed: Mapping[str, str], extra: Sequence[str], error: CifarlabError) -> str:
    """The field that a refused form should lead back to; empty where it is none of its own."""
    names = {PREFIX + field.key: field.key for field in training_fields(recipe)}
    if isinstance(error, WrongField):
        return PREFIX + error.field if PREFIX + error.field in names else error.field
    for name, setting in changed.items():
        try:
            check_settings(override(recipe, [setting]), None)
        except CifarlabError:
            return name
    said = str(error).partition(" Received: ")[0]
    if any(line.partition("=")[0].strip().removeprefix("model.") in said for line in extra):
        return "extra"
    # What is wrong together: a sentence of ours begins with the name of the setting to blame.
    for sentence in reversed(re.split(r"[:;] ", said)):
        told = sentence.split(" ", 1)[0]
        for name in (*changed, *names):
            if names.get(name) in (told, f"model.{told}"):
                return name
    return "extra" if extra else ""


def as_changes(recipe: Recipe) -> tuple[str, dict[str, str]]:
    """A recipe as a built-in one and the fewest settings that make it of that.

    Raises:
        CifarlabError: If there is no such built-in recipe.
    """
    wanted, found = settings_of(recipe), dict[str, dict[str, str]]()
    for name in discovery.names("recipes"):
        base = load_recipe(name)
        before = settings_of(base)
        changes = {key: _plain(value) for key, value in wanted.items() if key not in before or before[key] != value}
        try:
            made = override(base, [f"{key}={value}" for key, value in changes.items()])
        except CifarlabError:
            continue
        if settings_of(made) == wanted:
            found[name] = changes
    if not found:
        raise CifarlabError("its settings are not those of a built-in recipe with some changed")
    name = min(found, key=lambda each: len(found[each]))
    return name, found[name]


def _field(name: str, value: Any, about: str) -> Field:
    is_own = "." in name  # of a model or an optimizer, whose arguments may be of several kinds
    if name in CHOICES:
        return Field(name, str(value), "choice", CHOICES[name], about)
    if name == "data":
        return Field(name, str(value), "choice", (), about)
    if isinstance(value, bool):
        return Field(name, str(value), "switch", (), about)
    if isinstance(value, int | float):
        kind = "number?" if is_own else "whole" if name in _WHOLE else "number"
        return Field(name, repr(value), kind, (), about)
    if isinstance(value, tuple) and all(isinstance(each, int | float) for each in value):
        # A model takes one rate for all layers, or one a layer; of widths there is always a list.
        kind = "number?" if is_own and any(isinstance(each, float) for each in value) else "numbers"
        return Field(name, ", ".join(map(repr, value)), kind, (), about)
    return Field(name, _plain(value), "word", (), about)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else repr(value)


@cache
def _recipe_words() -> dict[str, str]:
    return described(cleandoc(Recipe.__doc__ or ""), "Attributes")


@cache
def _model_words(model: str) -> dict[str, str]:
    """What a built-in model's file says of its arguments; it is not imported, which would bring Keras."""
    if model not in discovery.names("models"):
        return {}
    return _argument_words(f"models/{model}.py", "build", "model")


@cache
def _optimizer_words(optimizer: str) -> dict[str, str]:
    """What the package's own optimizer says of its arguments; of Keras's, Keras does."""
    return _argument_words("training/optimizers/muon.py", "Muon", "optimizer") if optimizer == "muon" else {}


def _argument_words(file: str, of: str, prefix: str) -> dict[str, str]:
    source = (Path(cifarlab.__file__).parent / file).read_text(encoding="utf-8")
    return {f"{prefix}.{name}": text for name, text in described(docstring(source, of), "Args").items()}
