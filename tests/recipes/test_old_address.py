"""Recipe files that users wrote for an earlier version go on working."""

import cifarlab.recipe
from cifarlab import Recipe
from cifarlab.recipes import load_recipe


def test_the_old_address_gives_the_same_recipe(tmp_path):
    assert cifarlab.recipe.Recipe is Recipe
    path = tmp_path / "mine.py"
    path.write_text('from cifarlab.recipe import Recipe\nRECIPE = Recipe(model="mlp", epochs=3)\n')
    assert load_recipe(str(path)) == Recipe(model="mlp", epochs=3)
