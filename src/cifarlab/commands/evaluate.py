"""`cifarlab evaluate`: measure runs on images they were not trained on."""

from pathlib import Path

from cifarlab import usage
from cifarlab.commands._options import DataDir, DataOption, Json, RunPaths, RunsDir, Split, Tta

EPILOG = usage.examples(
    "cifarlab evaluate runs/mlp2-seed0",
    "cifarlab evaluate runs/mlp2-* --json",
    "cifarlab evaluate builtin --tta flip-shift",
)


def evaluate(
    runs: RunPaths,
    split: Split = "test",
    data: DataOption = None,
    data_dir: DataDir = None,
    tta: Tta = "none",
    runs_dir: RunsDir = Path("runs"),
    as_json: Json = False,
) -> None:
    """Measure runs on images they were not trained on.

    Every number has its 95 % interval; several runs get a line each, and their spread over seeds.
    """
    from cifarlab import builtin, tables
    from cifarlab.console import working

    with working("opening the runs"):
        opened = [builtin.open_run(path, needs_model=True, runs_dir=runs_dir) for path in runs]
    from cifarlab import evaluation

    entries = []
    for run in opened:
        with working(f"evaluating {run.path}"):
            scores = evaluation.evaluate(run, split=split, data=data, data_dir=data_dir, tta=tta)
        entries.append({"path": str(run.path), **scores})
    tables.print_json(entries) if as_json else tables.print_evaluations(entries, opened)
