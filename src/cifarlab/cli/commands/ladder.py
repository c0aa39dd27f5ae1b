"""`cifarlab ladder`: what each technique buys, recipe by recipe."""

from pathlib import Path
from typing import Annotated

from cifarlab.cli import usage
from cifarlab.cli.options import Json, option, recipe_names
from cifarlab.utils.errors import CifarlabError

EPILOG = usage.examples(
    "cifarlab ladder",
    "cifarlab ladder --output out",
    "cifarlab ladder mlp1 mlp2 mlp3 --runs-dir runs",
)


def ladder(
    recipes: Annotated[list[str] | None, recipe_names("The rungs; by default dense1, dense2, ...")] = None,
    runs_dir: Annotated[Path, option("DIR", "Your own runs, shown beneath.")] = Path("runs"),
    output: Annotated[
        Path | None, option("DIR", "Draw it too: SVG, PNG and CSV in there.", "--output", "--out", "-o")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what each technique buys.

    A ladder of recipes, each above the one before by one technique or, in long trainings, several: accuracy, gain,
    training time, parameters and operations of each, as they were measured, and of your own runs of the same settings.
    """
    from cifarlab.cli import output as tables
    from cifarlab.cli.tables.ladder import print_ladder
    from cifarlab.evaluation.ladder.description import describe_ladder
    from cifarlab.utils.json_data import json_data

    if output is not None and output.exists() and not output.is_dir():
        raise CifarlabError(f"{output} is no folder: give one as --output")
    # The usual folder need not be there; one that was asked for must.
    described = describe_ladder(recipes or (), runs_dir=None if _is_missing_default(runs_dir) else runs_dir)
    written: list[Path] = []
    if output is not None:
        from cifarlab.evaluation.ladder.figure import write_figure

        written = write_figure(described, output)
    if as_json:
        tables.print_json({**json_data(described), "files": [str(path) for path in written]})
        return
    print_ladder(described)
    for path in written:
        print(path)


def _is_missing_default(runs_dir: Path) -> bool:
    return runs_dir == Path("runs") and not runs_dir.exists()
