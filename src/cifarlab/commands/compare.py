"""`cifarlab compare`: whether runs really differ."""

from pathlib import Path
from typing import Annotated

import typer

from cifarlab import completion, usage
from cifarlab.commands._options import Json, RunPaths, RunsDir, Split

EPILOG = usage.examples(
    "cifarlab compare runs/mlp1-seed0 runs/mlp2-seed0",
    "cifarlab compare runs/mlp1-seed* --against runs/mlp2-seed*",
)


def compare(
    runs: RunPaths,
    against: Annotated[
        list[str] | None,
        typer.Option(metavar="RUN", help="The other group of runs: all that follow.", autocompletion=completion.runs),
    ] = None,
    split: Split = "test",
    runs_dir: RunsDir = Path("runs"),
    as_json: Json = False,
) -> None:
    """Say whether runs really differ.

    Intervals for each, and an exact McNemar test for every pair; with --against, the runs of two recipes as two groups
    of seeds, by a permutation test. The runs must have been evaluated.
    """
    from cifarlab import comparison, tables, verdicts

    if against:
        groups = comparison.compare_groups(runs, against, split=split, runs_dir=runs_dir)
        tables.print_json(groups) if as_json else verdicts.print_group_comparison(groups)
        return
    compared = comparison.compare(runs, split=split, runs_dir=runs_dir)
    tables.print_json(compared) if as_json else verdicts.print_comparison(compared)
