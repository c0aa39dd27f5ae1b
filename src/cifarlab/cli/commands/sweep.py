"""`cifarlab sweep`: every combination of recipes and values, with several seeds, in one table."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from cifarlab.cli import usage
from cifarlab.cli.options import (
    Address,
    Code,
    CpusPerTrial,
    DataDir,
    Engine,
    GpusPerTrial,
    Json,
    RecipeData,
    RunsDir,
    Set,
    option,
    recipe_names,
)
from cifarlab.utils.errors import Interrupted

EPILOG = usage.examples(
    "cifarlab sweep mlp1 mlp2 --over learning_rate=3e-4,1e-3,3e-3 --seeds 3",
    "cifarlab sweep mlp2 --over 'model.widths=(512,256);(1024,512)' --over optimizer=adam,muon",
    "cifarlab sweep mlp1 mlp2 convnet94 --seeds 5 --epochs 10 --engine ray",
)


def sweep(
    recipes: Annotated[list[str] | None, recipe_names()] = None,
    over: Annotated[list[str] | None, option("KEY=A,B,C", "Train with each of these values.", "--over")] = None,
    seeds: Annotated[int, option("N", "Trainings of each, with the seeds 0 to N-1.", min=1)] = 3,
    settings: Set = None,
    epochs: Annotated[int | None, option("N", "Short for --set epochs=N.")] = None,
    jobs: Annotated[int | None, option("N", "Processes that train; by default as many as cores.", min=1)] = None,
    threads: Annotated[int, option("N", "Threads of each.", min=1)] = 1,
    engine: Engine = "local",
    address: Address = None,
    cpus_per_trial: CpusPerTrial = None,
    gpus_per_trial: GpusPerTrial = 0.0,
    max_run_minutes: Annotated[float | None, option("M", "The most that one training may take.")] = None,
    data: RecipeData = None,
    data_dir: DataDir = None,
    code: Code = None,
    name: Annotated[str | None, option("NAME", "The sweep's name.", "--name", "-n")] = None,
    runs_dir: RunsDir = Path("runs"),
    sweeps_dir: Annotated[Path, option("DIR", "Folder of all sweeps.")] = Path("sweeps"),
    as_json: Json = False,
) -> None:
    """Train every combination of recipes and values with several seeds, and compare them.

    Runs that are there are not trained again: give the same command again to go on where it was stopped, or with more
    values or seeds. The sweep's folder is printed at the end.
    """
    from cifarlab import search
    from cifarlab.cli import output
    from cifarlab.cli.tables import sweep as tables
    from cifarlab.displays.console import make_console
    from cifarlab.displays.tuning import TuningDisplay

    try:
        found = search.sweep(
            recipes or [],
            over or [],
            seeds=seeds,
            settings=[*(settings or []), *([] if epochs is None else [f"epochs={epochs}"])],
            data=data,
            data_dir=data_dir,
            code=code or (),
            name=name,
            runs_dir=runs_dir,
            sweeps_dir=sweeps_dir,
            show=TuningDisplay(make_console(stderr=True)),
            command=shlex.join(["cifarlab", *sys.argv[1:]]),
            workers=search.make_workers(
                engine, jobs, threads, max_run_minutes, address=address, cpus=cpus_per_trial, gpus=gpus_per_trial
            ),
        )
    except KeyboardInterrupt:
        raise Interrupted("nothing is lost, give the same command again to go on") from None
    output.print_json(found) if as_json else tables.print_sweep(found)
    if found.failed:
        raise typer.Exit(2)
