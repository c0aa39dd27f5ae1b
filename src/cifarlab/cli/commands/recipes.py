"""`cifarlab recipes`: list the recipes, or print one whole."""

from typing import Annotated

from cifarlab.cli import completion, usage
from cifarlab.cli.options import Json, argument

EPILOG = usage.examples("cifarlab recipes", "cifarlab recipes mlp2 > my_recipe.py")


def recipes(
    name: Annotated[str | None, argument("NAME", "Print this one whole.", completion.recipes)] = None,
    as_json: Json = False,
) -> None:
    """List the recipes, or print one whole."""
    from cifarlab import recipes as catalog
    from cifarlab.cli import output
    from cifarlab.cli.tables import scores

    if name is not None:
        source = catalog.recipe_source(name)
        output.print_json({"name": name, "source": source}) if as_json else print(source, end="")
        return
    listed = catalog.list_recipes()
    output.print_json(listed) if as_json else scores.print_recipes(listed)
