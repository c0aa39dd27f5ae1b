"""`cifarlab compare`: whether runs really differ."""

from pathlib import Path
from typing import Annotated

from cifarlab.cli import completion, usage
from cifarlab.cli.options import Json, RunsDir, Split, argument, option

EPILOG = usage.examples(
    "cifarlab compare runs/mlp1-seed0 runs/mlp2-seed0",
    "cifarlab compare runs/mlp1-seed* --against runs/mlp2-seed*",
    "cifarlab compare runs/mlp2-seed0 theirs.csv --labels labels.npy",
)
_RUNS = "Folders of runs, builtin, or files of predictions (npz, npy, csv)."


def compare(
    runs: Annotated[list[str], argument("RUN...", _RUNS, completion.models)],
    against: Annotated[
        list[str] | None, option("RUN", "The other group of runs: all that follow.", complete=completion.runs)
    ] = None,
    labels: Annotated[Path | None, option("FILE", "The true classes for files of predictions that hold none.")] = None,
    split: Split = "test",
    runs_dir: RunsDir = Path("runs"),
    as_json: Json = False,
) -> None:
    """Say whether runs really differ.

    Intervals for each, and an exact McNemar test for every pair; with --against, the runs of two recipes as two groups
    of seeds, by a permutation test. The runs must have been evaluated. Models trained elsewhere enter by their files
    of predictions, or by the folder that evaluate --predictions --output wrote.
    """
    from cifarlab.cli import output
    from cifarlab.cli.tables import comparisons
    from cifarlab.evaluation.comparison import pairs, seeds

    if against:
        groups = seeds.compare_groups(runs, against, split=split, runs_dir=runs_dir, labels=labels)
        output.print_json(groups) if as_json else comparisons.print_group_comparison(groups)
        return
    compared = pairs.compare(runs, split=split, runs_dir=runs_dir, labels=labels)
    output.print_json(compared) if as_json else comparisons.print_comparison(compared)
