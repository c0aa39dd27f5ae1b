"""`cifarlab permutation`: what recipes lose when all pixels are shuffled."""

from pathlib import Path
from typing import Annotated

from cifarlab.cli import usage
from cifarlab.cli.options import Code, DataDir, Json, RecipeData, RunsDir, Set, option, output, recipe_names

EPILOG = usage.examples(
    "cifarlab permutation mlp2 convnet94 --set epochs=4",
    "cifarlab permutation mlp2 --seeds 3 --output shuffled",
    "cifarlab permutation smoke --data digits",
)


def permutation(
    recipes: Annotated[list[str], recipe_names()],
    seeds: Annotated[int, option("N", "Train with each of the seeds 0 to N-1.", min=1)] = 1,
    settings: Set = None,
    split: Annotated[str, option("NAME", "validation or test.")] = "validation",
    data: RecipeData = None,
    data_dir: DataDir = None,
    code: Code = None,
    runs_dir: RunsDir = Path("runs"),
    output: Annotated[Path, output("DIR", "Folder for figure and numbers.")] = Path("permutation"),
    as_json: Json = False,
) -> None:
    """Train recipes with and without all pixels shuffled, and compare.

    A dense network does not know which pixels are neighbours; a convolution lives on it. Validation is looked at, not
    test. Finished runs are not trained again.
    """
    from cifarlab.displays.console import make_console
    from cifarlab.displays.progress import TrainingDisplay
    from cifarlab.evaluation.pixel_permutation import measure_pairs, plan_pairs

    pairs = plan_pairs(recipes, settings or [], seeds=seeds, data=data, split=split, code=code or ())
    result = measure_pairs(
        pairs,
        split=split,
        data_dir=data_dir,
        runs_dir=runs_dir,
        output=output,
        observe=lambda: TrainingDisplay(make_console(stderr=as_json)),
    )
    from cifarlab.cli import output as tables
    from cifarlab.cli.tables import comparisons
    from cifarlab.utils.json_data import json_data

    tables.print_json(json_data(result)) if as_json else comparisons.print_permutation(result)
