"""Recipes by name: their source, and what is said of a name that is none."""

import pytest

from cifarlab.recipes import recipe_source
from cifarlab.utils.errors import CifarlabError


@pytest.mark.parametrize("name", ["mlp9", "runs/theirs/recipe.json", "a/b", "..", "mlp2/../mlp2"])
def test_a_name_that_is_none_is_said_in_one_line(name):
    with pytest.raises(CifarlabError, match="unknown recipe"):
        recipe_source(name)


def test_the_source_of_a_recipe_is_its_file():
    assert "RECIPE = Recipe(" in recipe_source("mlp2")
