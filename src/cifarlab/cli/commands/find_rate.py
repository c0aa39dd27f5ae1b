"""`cifarlab find-rate`: which learning rate suits a recipe, by a range test."""

from pathlib import Path
from typing import Annotated

from cifarlab.cli import completion, usage
from cifarlab.cli.options import Code, DataDir, Json, RecipeData, Set, argument, option, output

EPILOG = usage.examples(
    "cifarlab find-rate mlp2",
    "cifarlab find-rate mlp2 --set batch_size=250 --output rates",
    "cifarlab find-rate frozen --data folder:my_pictures --low 1e-5 --high 1",
)


def find_rate(
    recipe: Annotated[str, argument("RECIPE", "Its name, see cifarlab recipes; or a file.", completion.recipes)],
    settings: Set = None,
    low: Annotated[float, option("RATE", "Learning rate of the first step.")] = 1e-6,
    high: Annotated[float, option("RATE", "Learning rate of the last step.")] = 10.0,
    steps: Annotated[int, option("N", "How many steps.")] = 100,
    data: RecipeData = None,
    data_dir: DataDir = None,
    code: Code = None,
    output: Annotated[Path, output("DIR", "Folder for figure and numbers.")] = Path("find-rate"),
    as_json: Json = False,
) -> None:
    """Raise the learning rate from step to step, and see where the loss falls.

    Prints what three rules suggest; writes a figure and the numbers. No run is made, and nothing is trained further.
    """
    from cifarlab.cli import output as tables
    from cifarlab.cli.tables.find_rate import print_rates
    from cifarlab.displays.console import working
    from cifarlab.training import rate_range

    with working(f"trying rates on {recipe}") as progress:
        found = rate_range.find_rate(
            recipe,
            settings=settings or [],
            data=data,
            data_dir=data_dir,
            code=code or (),
            low=low,
            high=high,
            steps=steps,
            output=output,
            progress=progress,
        )
    tables.print_json(found) if as_json else print_rates(found, output)
