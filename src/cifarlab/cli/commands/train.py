"""`cifarlab train`: train recipes, or continue a stopped run."""

from pathlib import Path
from typing import Annotated

import typer

from cifarlab.cli import completion, usage
from cifarlab.cli.options import Code, DataDir, Json, RunsDir, recipe_names

EPILOG = usage.examples(
    "cifarlab train mlp2",
    "cifarlab train mlp1 mlp2 --seeds 5",
    'cifarlab train mlp2 --set model.widths="(2048,)" --set learning_rate=5e-4 --epochs 150',
    "cifarlab train my_recipe.py --data folder:pictures",
    "cifarlab train convnet94 --folds 5",
    "cifarlab train --resume runs/mlp2-seed0",
)


def train(
    recipes: Annotated[list[str] | None, recipe_names("Names, see cifarlab recipes; or files.")] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a setting.")] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="Train with this seed.")] = None,
    seeds: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Train with each of the seeds 0 to N-1.")
    ] = None,
    folds: Annotated[
        int | None, typer.Option(metavar="K", min=2, help="Train K times, each without another K-th of the images.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(metavar="N", help="Short for --set epochs=N.")] = None,
    batch_size: Annotated[int | None, typer.Option(metavar="N", help="Short for --set batch_size=N.")] = None,
    data: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Data set instead of the recipe's.", autocompletion=completion.data),
    ] = None,
    data_dir: DataDir = None,
    code: Code = None,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="Name of the run's folder.")] = None,
    resume: Annotated[
        str | None, typer.Option(metavar="RUN", help="Continue a stopped run.", autocompletion=completion.runs)
    ] = None,
    runs_dir: RunsDir = Path("runs"),
    as_json: Json = False,
) -> None:
    """Train recipes, each in a new run folder.

    The folders' paths are printed at the end. No run is ever overwritten.
    """
    from cifarlab.cli import output, training
    from cifarlab.cli.tables import scores
    from cifarlab.training import plan

    short = {"epochs": epochs, "batch_size": batch_size}
    wanted = [*(settings or []), *(f"{key}={value}" for key, value in short.items() if value is not None)]
    if resume is not None:
        given = (recipes, settings, seed, seeds, folds, epochs, batch_size, data, name)
        training.check_resume_stands_alone(given)
        runs = [training.resume(resume, data_dir=data_dir, code=code or (), stderr=as_json)]
    else:
        trainings = plan.plan_trainings(
            recipes or [], wanted, seed=seed, seeds=seeds, folds=folds, data=data, name=name, code=code or ()
        )
        runs = training.train_all(trainings, data_dir=data_dir, runs_dir=runs_dir, name=name, stderr=as_json)
    output.print_json([scores.summarise_run(run) for run in runs]) if as_json else scores.print_runs(runs)
