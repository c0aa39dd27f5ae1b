"""`cifarlab tune`: search for better settings, and say whether those found are better."""

import shlex
import sys
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
    argument,
    option,
)
from cifarlab.utils.errors import Interrupted

EPILOG = usage.examples(
    "cifarlab tune mlp2",
    "cifarlab tune mlp2 --pruner halving --epochs 50 --max-minutes 60 --jobs 2",
    "cifarlab tune mlp2 --only --range learning_rate=1e-4..1e-2:log --choice optimizer=adam,muon,sgd",
    "cifarlab tune my_recipe.py --space my_space.py --name wide",
)


def tune(
    recipe: Annotated[str, argument("RECIPE", "A name, see cifarlab recipes; or a file.", completion.recipes)],
    ranges: Annotated[list[str] | None, option("KEY=LOW..HIGH", "Vary a number; :log at the end.", "--range")] = None,
    choices: Annotated[list[str] | None, option("KEY=A,B,C", "Vary among values.", "--choice")] = None,
    fix: Annotated[list[str] | None, option("KEY=VALUE", "Set it, and do not vary it.", "--fix")] = None,
    space: Annotated[str | None, option("FILE", "Your own Python file with space(trial).")] = None,
    only: Annotated[bool, typer.Option("--only", help="Vary nothing beside --range and --choice.")] = False,
    trials: Annotated[int, option("N", "How many settings to try.", min=1)] = 100,
    epochs: Annotated[int | None, option("N", "The most epochs of a trial; by default 20.", min=1)] = None,
    max_minutes: Annotated[float | None, option("M", "Begin no round of trials after so long.")] = None,
    sampler: Annotated[str, option("NAME", "tpe, random, gp, cmaes or grid.")] = "tpe",
    pruner: Annotated[str, option("NAME", "one_epoch, halving, hyperband, median or none.")] = "one_epoch",
    asynchronous: Annotated[
        bool, typer.Option("--asynchronous", help="Judge each trial as it arrives (ASHA); not the same study always.")
    ] = False,
    seeds_per_trial: Annotated[int, option("N", "Trainings a trial; their mean counts.", min=1)] = 1,
    seed: Annotated[int, option("N", "Of the sampler.", min=0)] = 0,
    confirm: Annotated[float, option("SHARE", "Training images that no trial sees; 0 for none.")] = 0.1,
    confirm_seeds: Annotated[int, option("N", "Trainings of the best and of the recipe as shipped.", min=1)] = 3,
    jobs: Annotated[int | None, option("N", "Processes that train; by default as many as cores.", min=1)] = None,
    threads: Annotated[int, option("N", "Threads of each.", min=1)] = 1,
    engine: Engine = "local",
    address: Address = None,
    cpus_per_trial: CpusPerTrial = None,
    gpus_per_trial: GpusPerTrial = 0.0,
    max_trial_minutes: Annotated[float | None, option("M", "The most that one training may take.")] = None,
    keep: Annotated[int, option("N", "Of how many trials the weights are kept.", min=1)] = 5,
    storage: Annotated[str | None, option("URL", "A database for Optuna, instead of a journal.")] = None,
    data: RecipeData = None,
    data_dir: DataDir = None,
    code: Code = None,
    name: Annotated[str | None, option("NAME", "The study's name; by default the recipe's.", "--name", "-n")] = None,
    studies_dir: Annotated[Path, option("DIR", "Folder of all studies.")] = Path("studies"),
    as_json: Json = False,
) -> None:
    """Search for better settings of a recipe, and say whether those found are better.

    The study's folder is printed at the end. Give the same command again to go on where it was stopped.
    """
    from cifarlab import search
    from cifarlab.cli import output
    from cifarlab.cli.tables import study as tables
    from cifarlab.displays.console import make_console
    from cifarlab.displays.tuning import TuningDisplay
    from cifarlab.reports.studies.tuning import tune as search_and_report

    rules = search.Rules(
        trials,
        epochs or search.default_epochs(recipe),
        sampler,
        pruner,
        seeds_per_trial,
        threads,
        confirm_seeds,
        seed,
        asynchronous,
    )
    fixed = [*(fix or []), *([f"data={data}"] if data else [])]
    try:
        tuned = search_and_report(
            recipe,
            search.choose_space(recipe, ranges or [], choices or [], fixed, file=space, only=only, code=code or ()),
            rules,
            fixed=fixed,
            confirm=confirm,
            max_minutes=max_minutes,
            keep=keep,
            jobs=jobs,
            max_trial_minutes=max_trial_minutes,
            name=name,
            studies_dir=studies_dir,
            data_dir=data_dir,
            code=code or (),
            storage=storage,
            show=TuningDisplay(make_console(stderr=True)),
            command=shlex.join(["cifarlab", *sys.argv[1:]]),
            workers=search.make_workers(
                engine, jobs, threads, max_trial_minutes, address=address, cpus=cpus_per_trial, gpus=gpus_per_trial
            ),
        )
    except KeyboardInterrupt:
        raise Interrupted("nothing is lost, give the same command again to go on") from None
    output.print_json(tables.summarise(tuned)) if as_json else tables.print_study(tuned)
