"""`cifarlab train`: train recipes, or continue a stopped run."""

from pathlib import Path
from typing import Annotated

import typer

from cifarlab.cli import completion, usage
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

EPILOG = usage.examples(
    "cifarlab train mlp2",
    "cifarlab train mlp1 mlp2 --seeds 5",
    'cifarlab train mlp2 --set model.widths="(2048,)" --set learning_rate=5e-4 --epochs 150',
    "cifarlab train my_recipe.py --data folder:pictures",
    "cifarlab train convnet94 --folds 5",
    "cifarlab train mlp1 mlp2 --seeds 5 --jobs 8",
    "cifarlab train resnet18 --devices all",
    "cifarlab train mlp2 --labels runs/labels/cifar10.csv",
    "cifarlab train --from builtin --data folder:my_pictures",
    "cifarlab train --resume runs/mlp2-seed0",
    "cifarlab train --resume latest --max-seconds 3000",
    "cifarlab train --resume runs/mlp1-seed0 --epochs 200",
    "cifarlab train mlp2 --set patience=10 --set select_by=loss --set ema=0.999",
)
_FROM = "Begin with the weights of this run, or of builtin."


def train(
    recipes: Annotated[list[str] | None, recipe_names()] = None,
    settings: Set = None,
    start_from: Annotated[str | None, option("RUN", _FROM, "--from", complete=completion.models)] = None,
    seed: Annotated[int | None, option("N", "Train with this seed.")] = None,
    seeds: Annotated[int | None, option("N", "Train with each of the seeds 0 to N-1.", min=1)] = None,
    folds: Annotated[int | None, option("K", "Train K times, each without another K-th of the images.", min=2)] = None,
    epochs: Annotated[int | None, option("N", "Short for --set epochs=N.")] = None,
    batch_size: Annotated[int | None, option("N", "Short for --set batch_size=N.")] = None,
    data: RecipeData = None,
    data_dir: DataDir = None,
    labels: Annotated[Path | None, option("FILE", "Correct training and validation labels by a labels file.")] = None,
    code: Code = None,
    name: Annotated[str | None, option("NAME", "Name of the run's folder.", "--name", "-n")] = None,
    resume: Annotated[str | None, option("RUN", "Continue a stopped run; or latest.", complete=completion.runs)] = None,
    max_seconds: Annotated[float | None, option("S", "Pause before so many seconds are over; exit code 75.")] = None,
    jobs: Annotated[int | None, option("N", "Train as many at a time, each in a process of its own.", min=1)] = None,
    threads: Annotated[int | None, option("N", "Threads of each such process; 1 by default.", min=1)] = None,
    engine: Engine = "local",
    address: Address = None,
    cpus_per_trial: CpusPerTrial = None,
    gpus_per_trial: GpusPerTrial = 0.0,
    devices: Annotated[str | None, option("N", "Share each step's images among N devices, or all.")] = None,
    runs_dir: RunsDir = Path("runs"),
    as_json: Json = False,
) -> None:
    """Train recipes, each in a new run folder.

    The folders' paths are printed at the end. No run is ever overwritten. With --jobs or --engine ray several are
    trained at a time, and those that are there already are not trained again.
    """
    from cifarlab.cli import output, training
    from cifarlab.cli.tables import scores
    from cifarlab.training import plan

    short = {"epochs": epochs, "batch_size": batch_size}
    overrides = [*(settings or []), *(f"{key}={value}" for key, value in short.items() if value is not None)]
    workers = training.choose_workers(
        engine,
        jobs,
        threads,
        {
            **{"--devices": devices, "--max-seconds": max_seconds, "--labels": labels},
            "--from without a recipe": None if recipes else start_from,
        },
        address=address,
        cpus=cpus_per_trial,
        gpus=gpus_per_trial,
    )
    failed = waiting = 0
    if resume is not None:
        given = (recipes, settings, start_from, seed, seeds, folds, batch_size, data, name, labels, workers)
        training.check_resume_stands_alone(given)
        runs = [
            training.resume(
                resume,
                data_dir=data_dir,
                runs_dir=runs_dir,
                code=code or (),
                max_seconds=max_seconds,
                stderr=as_json,
                devices=devices,
                epochs=epochs,
            )
        ]
    else:
        trainings = plan.plan_trainings(
            recipes or [],
            overrides,
            seed=seed,
            seeds=seeds,
            folds=folds,
            data=data,
            name=name,
            code=code or (),
            labels=labels,
            start_from=start_from,
        )
        if workers is None:
            runs = training.train_all(
                trainings,
                data_dir=data_dir,
                runs_dir=runs_dir,
                name=name,
                max_seconds=max_seconds,
                stderr=as_json,
                devices=devices,
            )
            waiting = len(trainings) - len(runs)
        else:
            runs, failed = training.train_on_workers(
                trainings, workers, data_dir=data_dir, runs_dir=runs_dir, name=name, code=code or ()
            )
    try:
        if folds is not None and not failed and not waiting and not training.is_paused(runs[-1]):
            training.print_folds(runs, folds, data_dir=data_dir, quiet=as_json)
    finally:  # the trainings are done, whatever becomes of their summary
        output.print_json([scores.summarise_run(run) for run in runs]) if as_json else scores.print_runs(runs)
    if failed:
        raise typer.Exit(2)
    if workers is None:
        training.end_if_paused(runs[-1], waiting)
