"""`cifarlab train`: train recipes, or continue a stopped run."""

from pathlib import Path
from typing import Annotated

from cifarlab.cli import completion, usage
from cifarlab.cli.options import Code, DataDir, Json, RecipeData, RunsDir, Set, option, recipe_names

EPILOG = usage.examples(
    "cifarlab train mlp2",
    "cifarlab train mlp1 mlp2 --seeds 5",
    'cifarlab train mlp2 --set model.widths="(2048,)" --set learning_rate=5e-4 --epochs 150',
    "cifarlab train my_recipe.py --data folder:pictures",
    "cifarlab train convnet94 --folds 5",
    "cifarlab train --from builtin --data folder:my_pictures",
    "cifarlab train --resume runs/mlp2-seed0",
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
    code: Code = None,
    name: Annotated[str | None, option("NAME", "Name of the run's folder.", "--name", "-n")] = None,
    resume: Annotated[str | None, option("RUN", "Continue a stopped run.", complete=completion.runs)] = None,
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
    overrides = [*(settings or []), *(f"{key}={value}" for key, value in short.items() if value is not None)]
    if resume is not None:
        given = (recipes, settings, start_from, seed, seeds, folds, epochs, batch_size, data, name)
        training.check_resume_stands_alone(given)
        runs = [training.resume(resume, data_dir=data_dir, code=code or (), stderr=as_json)]
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
            start_from=start_from,
        )
        runs = training.train_all(trainings, data_dir=data_dir, runs_dir=runs_dir, name=name, stderr=as_json)
    output.print_json([scores.summarise_run(run) for run in runs]) if as_json else scores.print_runs(runs)
