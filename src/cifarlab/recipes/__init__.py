"""One file each, found by its name."""

from cifarlab.recipes._catalog import commands, describe_recipe, list_recipes, paragraphs, recipe_source
from cifarlab.recipes._recipe import (
    BALANCED,
    FLIPS,
    NO_WEIGHTS,
    OPTIMIZERS,
    PRECISIONS,
    SCHEDULES,
    SELECT_BY,
    Recipe,
    has_type,
    wrong_type,
)
from cifarlab.recipes._settings import allow_own_code, from_dict, load_recipe, override, settings_of, to_dict

__all__ = [
    "BALANCED",
    "FLIPS",
    "NO_WEIGHTS",
    "OPTIMIZERS",
    "PRECISIONS",
    "SCHEDULES",
    "SELECT_BY",
    "Recipe",
    "allow_own_code",
    "commands",
    "describe_recipe",
    "from_dict",
    "has_type",
    "list_recipes",
    "load_recipe",
    "override",
    "paragraphs",
    "recipe_source",
    "settings_of",
    "to_dict",
    "wrong_type",
]
