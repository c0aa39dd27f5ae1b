"""`cifarlab compare`: whether runs really differ."""

from cifarlab import usage
from cifarlab.commands._options import Json, RunPaths, Split

EPILOG = usage.examples("cifarlab compare runs/mlp1-seed0 runs/mlp2-seed0")


def compare(runs: RunPaths, split: Split = "test", as_json: Json = False) -> None:
    """Say whether runs really differ.

    Intervals for each, and an exact McNemar test for every pair. The runs must have been evaluated.
    """
    from cifarlab import comparison, tables

    compared = comparison.compare(runs, split=split)
    tables.print_json(compared) if as_json else tables.print_comparison(compared)
