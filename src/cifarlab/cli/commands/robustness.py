"""`cifarlab robustness`: accuracy on corrupted, shifted and attacked images."""

import dataclasses
from pathlib import Path
from typing import Annotated

from cifarlab.cli import usage
from cifarlab.cli.options import Code, DataDir, Json, RunPaths, RunsDir, option

EPILOG = usage.examples(
    "cifarlab robustness runs/mlp2-seed0",
    "cifarlab robustness runs/mlp1-seed0 runs/mlp2-seed0 --severities 1,3,5 --limit 2000",
    "cifarlab robustness runs/mlp2-seed0 --cifar10c ~/CIFAR-10-C --cifar101 ~/CIFAR-10.1/datasets --attacks none",
)


def robustness(
    runs: RunPaths,
    cifar10c: Annotated[
        str | None, option("DIR", "CIFAR-10-C's files, instead of our reproduction.", "--cifar10c")
    ] = None,
    cifar101: Annotated[str | None, option("DIR", "CIFAR-10.1's files, measured too.", "--cifar101")] = None,
    severities: Annotated[str, option("LIST", "Such as 1,3,5.")] = "1,2,3,4,5",
    corruptions: Annotated[str | None, option("LIST", "Such as fog,snow; by default all.")] = None,
    limit: Annotated[int | None, option("N", "Use N test images.", min=1)] = None,
    attacks: Annotated[str, option("LIST", "fgsm, pgd, or none.")] = "fgsm,pgd",
    data_dir: DataDir = None,
    code: Code = None,
    runs_dir: RunsDir = Path("runs"),
    as_json: Json = False,
) -> None:
    """Measure runs on corrupted, shifted and attacked test images.

    The 19 corruptions are our own reproduction of CIFAR-10-C's. Of several runs, the first is the others' baseline.
    """
    from cifarlab.cli import output
    from cifarlab.cli.tables.robustness import parse_list, parse_severities, print_robustness
    from cifarlab.runs import pretrained_run

    chosen = parse_list(corruptions, option="--corruptions") or None
    tried = parse_list(attacks, nothing="none", option="--attacks")
    levels = parse_severities(severities)
    opened = [pretrained_run.open_run(path, needs_model=True, runs_dir=runs_dir) for path in runs]
    from cifarlab.displays.console import counting
    from cifarlab.evaluation.robustness.results import Robustness, against_baseline
    from cifarlab.evaluation.robustness.suite import RobustnessSettings, measure_robustness

    settings = RobustnessSettings(levels, chosen, limit, tried, cifar10c=cifar10c, cifar101=cifar101)
    entries: list[Robustness] = []
    for run in opened:
        with counting(f"robustness of {run.name}") as progress:
            measured = measure_robustness(run, settings, data_dir=data_dir, code=code or (), progress=progress)
        against = against_baseline(measured, entries[0]) if entries else None
        entries.append(dataclasses.replace(measured, against=against))
    if as_json:
        output.print_json_of_runs([run.path for run in opened], entries)
    else:
        print_robustness(entries)
