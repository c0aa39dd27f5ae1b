"""The old address of `Recipe`, kept for one release for users' own recipe files: say `from cifarlab import Recipe`."""

from cifarlab.recipes import FLIPS, OPTIMIZERS, PRECISIONS, SCHEDULES, Recipe, from_dict, load_recipe, override, to_dict

__all__ = [
    "FLIPS",
    "OPTIMIZERS",
    "PRECISIONS",
    "SCHEDULES",
    "Recipe",
    "from_dict",
    "load_recipe",
    "override",
    "to_dict",
]
