"""What the report says of how local a first layer is, wherever its units began."""

import re

import pytest

from cifarlab import recipes
from cifarlab.recipes import Recipe
from cifarlab.reports.page import open_page
from cifarlab.reports.sections import locality
from cifarlab.utils import files

REACHING = {"width": 8, "sigma_pixels": (3, 4)}


@pytest.fixture
def said(make_run, tmp_path):
    def said(trained: Recipe) -> str:
        run = make_run(tmp_path, "local")
        files.write_json(run.recipe_file, recipes.to_dict(trained))
        return re.sub(r"\s+", " ", str(locality.build(open_page([run]))))

    return said


def test_units_that_began_anywhere_found_their_neighbours_themselves(said) -> None:
    text = said(Recipe(model="mlp", model_args={"widths": (8,)}, data="digits"))
    assert "of the units need a window smaller than that" in text
    assert "at initialisation:" not in text
    assert "This network's units were initialised locally" not in text


def test_units_that_began_near_are_held_against_where_they_began(said) -> None:
    text = said(Recipe(model="bottleneck_mlp", model_args=REACHING, data="digits"))
    assert re.search(r"This network's units were initialised locally: a median one within [34]\.\d", text)
    assert re.search(r"at initialisation: [34]\.\d", text)
    assert "of the units need a window smaller than that" not in text


def test_units_that_began_near_in_another_order_began_anywhere(said) -> None:
    text = said(Recipe(model="bottleneck_mlp", model_args=REACHING, data="digits", shuffle_pixels=True))
    assert "This network's units were initialised locally" not in text
