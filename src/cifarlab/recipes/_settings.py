"""A recipe by its name, varied by settings, and as plain values: what `--set`, JSON and Python have in common."""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cifarlab.recipes._recipe import TYPES, Recipe, current_name, has_type, wrong_type
from cifarlab.utils import discovery, files, own_code, syntax
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.formats import check_format, unstamped

_DICTIONARIES = {"model.": "model_args", "optimizer.": "optimizer_args"}


def load_recipe(name: str) -> Recipe:
    """The recipe of that name, the one in a user's own Python file, or the one that a run recorded as JSON.

    A Python file is executed: give no name that comes from a file. What JSON names is not: see `own_code`.

    Raises:
        CifarlabError: If there is none; the message offers the nearest right name.
    """
    if name.endswith(".json"):
        values = files.read_json(Path(name))
        check_format(Path(name), values)
        return from_dict(values)
    own_code.allow(name)
    module = discovery.load("recipes", name)
    recipe = getattr(module, "RECIPE", None)
    if not isinstance(recipe, Recipe):
        raise CifarlabError(f"{name} defines no RECIPE = Recipe(...). Received: {recipe!r}")
    return recipe


def override(recipe: Recipe, settings: Sequence[str]) -> Recipe:
    """A copy of `recipe` with `key=value` settings applied, each checked against the field's type.

    Another model or optimizer begins with its own defaults: the arguments of the recipe's are dropped.

    Args:
        recipe: The recipe to vary.
        settings: Such as `"epochs=150"` or `"model.widths=(2048,)"`.

    Raises:
        CifarlabError: If a key is unknown or a value is of the wrong type or out of range.
    """
    changes: dict[str, Any] = {}
    nested = {prefix: dict(getattr(recipe, name)) for prefix, name in _DICTIONARIES.items()}
    for key, text in _pairs(settings):
        prefix = key[: key.find(".") + 1]  # empty without a dot, where `find` gives -1
        if prefix in nested:
            name = key.removeprefix(prefix)
            if prefix == "model.":
                name = current_name(changes.get("model", recipe.model), name)
            nested[prefix][name] = _literal(text)
        elif key in TYPES and key not in _DICTIONARIES.values():
            changes[key] = _parse(key, TYPES[key], text)
            if f"{key}." in nested and changes[key] != getattr(recipe, key):
                nested[f"{key}."] = {}  # they were the other model's or optimizer's
        else:
            known = [name for name in TYPES if name not in _DICTIONARIES.values()]
            known += [f"{prefix}{name}" for prefix, values in nested.items() for name in values]
            raise CifarlabError(discovery.unknown("setting", key, known))
    changes |= {_DICTIONARIES[prefix]: values for prefix, values in nested.items()}
    return dataclasses.replace(recipe, **changes)


def _pairs(settings: Sequence[str]) -> list[tuple[str, str]]:
    """Key and value of each setting, a whole model or optimizer before the arguments of its own."""
    pairs = []
    for setting in settings:
        key, separator, text = setting.partition("=")
        if not separator or not key.strip():
            raise CifarlabError(f"--set takes key=value, such as epochs=150. Received: {setting!r}")
        pairs.append((key.strip(), text))
    # The sort is stable: of two settings of one name the later one still wins.
    return sorted(pairs, key=lambda pair: "." in pair[0])


def allow_own_code(recipe: Recipe, code: Sequence[str | os.PathLike[str]] = ()) -> None:
    """Let what the user names be executed: the files of `code`, and model and data that no file named.

    Raises:
        CifarlabError: If a file of `code` is not there.
    """
    own_code.allow_files(code)
    own_code.allow(recipe.model, recipe.data)


def to_dict(recipe: Recipe) -> dict[str, Any]:
    """The recipe as plain values, ready for JSON."""
    return dataclasses.asdict(recipe)


def settings_of(recipe: Recipe) -> dict[str, Any]:
    """Every setting by the name that `--set` knows, such as `"model.widths"`, in the order of the fields."""
    settings: dict[str, Any] = {}
    prefixes = {field_name: prefix for prefix, field_name in _DICTIONARIES.items()}
    for key, value in to_dict(recipe).items():
        settings |= {prefixes[key] + name: each for name, each in value.items()} if key in prefixes else {key: value}
    return settings


def from_dict(values: Mapping[str, Any]) -> Recipe:
    """The recipe that `to_dict` described; JSON's lists become tuples again.

    The Python files that it names are `own_code.Recorded`: they are not executed unless the user names them too.

    Raises:
        CifarlabError: If a field is unknown, missing, of the wrong type or out of range.
    """
    if not isinstance(values, Mapping):
        raise CifarlabError(f"a recipe is a dictionary of settings. Received: {values!r}")
    values = unstamped(values)
    for key in values:
        if key not in TYPES:
            raise CifarlabError(discovery.unknown("setting", key, TYPES))
    if "model" not in values:
        raise CifarlabError(f"a recipe needs a model. Received: {dict(values)!r}")
    for key in _DICTIONARIES.values():
        if not isinstance(values.get(key, {}), Mapping):
            raise CifarlabError(wrong_type(key, TYPES[key], values[key]))
    fields = {key: _tuples(value) for key, value in values.items()}
    named = {key: own_code.Recorded(fields[key]) for key in ("model", "data") if isinstance(fields.get(key), str)}
    return Recipe(**{**fields, **named})


def _tuples(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _tuples(item) for key, item in value.items()}
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value


def _literal(text: str) -> Any:
    try:
        return syntax.literal(text.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):  # all that it is documented to raise
        return text.strip()  # a word, which needs no quotes: model.activation=relu


def _parse(key: str, expected: Any, text: str) -> Any:
    value = text.strip() if expected is str else _literal(text)
    # Python has no literal for these three words. As numbers they reach the check of the range, which says it better.
    if expected is float and (type(value) is int or value in ("nan", "inf", "-inf")):
        value = float(value)
    if not has_type(value, expected):
        raise CifarlabError(wrong_type(key, expected, text.strip()))
    return value
