"""Train 200 random settings to their end and keep their whole curves: what `benchmarks/search.py` replays searches on.

    python benchmarks/search_tables.py mlp1-digits
    python benchmarks/search_tables.py mlp2-cifar10
    python benchmarks/search_tables.py convnet-cifar10

Each table is one file in benchmarks/search_tables/. A training learns from 9,000 images of CIFAR-10 (digits: 1,000),
is followed on 1,000 (digits: 120) after each epoch, and asked the others at its end: what it is really worth, to
tell a search that found something from one that flatters itself. Setting 0 is the recipe as shipped, also with four
more seeds. What was trained stays in --work, and a table that was stopped goes on.
"""

import argparse
import dataclasses
import gzip
import json
import random
from pathlib import Path
from typing import Any

import optuna
from _measure import begin, errors_in_one_line

from cifarlab.recipes import Recipe, load_recipe, override, to_dict
from cifarlab.runs.predictions import Predictions
from cifarlab.search.planning import shortened
from cifarlab.search.samplers import make_sampler
from cifarlab.search.space import Space, choose_space
from cifarlab.search.tasks import CONFIRMATION, DONE, Task
from cifarlab.search.workers import LocalWorkers
from cifarlab.utils import files
from cifarlab.utils.environment import processor_name
from cifarlab.utils.json_data import json_data

FOLDER = Path(__file__).parent / "search_tables"
SETTINGS, SHIPPED_SEEDS = 200, 5
# The recipe, what is fixed, the share of the training images that is only asked, and the epochs.
# What replaces the model's default widths: networks small enough for hundreds of trainings.
TABLES: dict[str, tuple[str, list[str], list[str], float, int]] = {
    "mlp1-digits": (
        "mlp1",
        ["data=digits", "batch_size=100"],
        ["model.widths=(32,);(64, 32);(128,);(128, 64)"],
        0.22,
        27,
    ),
    "mlp2-cifar10": (
        "mlp2",
        ["batch_size=250"],
        ["model.widths=(128, 64);(256, 128);(256, 128, 64);(512, 256)"],
        0.8,
        9,
    ),
    "convnet-cifar10": (
        "convnet94",
        ["validation_fraction=0.1", "batch_size=250", "model.widths=(8, 16, 16)", "model.depth=2", "image_pixels=()"],
        ["model.widths=(4, 8, 8);(8, 16, 16);(8, 16, 32)", "model.depth=2,3"],
        0.8,
        9,
    ),
}


def main() -> None:
    arguments = parse()
    with errors_in_one_line():
        print(make_table(arguments.table, arguments.work / arguments.table, arguments.jobs, arguments.settings))


def make_table(name: str, work: Path, jobs: int, settings: int) -> Path:
    """Train what is not there yet, and write the table."""
    recipe_name, fixed, choices, asked, epochs = TABLES[name]
    shipped = override(load_recipe(recipe_name), fixed)
    varied = {choice.partition("=")[0] for choice in choices}
    space = choose_space(recipe_name, [], choices, [each for each in fixed if each.partition("=")[0] not in varied])
    recipe = dataclasses.replace(shortened(shipped, epochs), confirmation_fraction=asked)
    drawn = draw(recipe, space, settings)
    tasks = {number: task_of(work / f"{number:04d}", recipe, words, epochs) for number, (words, _) in enumerate(drawn)}
    again = [task_of(work / f"shipped-seed{seed}", recipe, {}, epochs, seed) for seed in range(1, SHIPPED_SEEDS)]
    order = [*tasks.values(), *again]
    random.Random(0).shuffle(order)
    with LocalWorkers(jobs) as workers:
        answers = workers.run(order)
    rows = [
        {
            "settings": words,
            "parameters": parameters,
            **(
                read(tasks[number])
                if answers[tasks[number]].ended == DONE
                else {"failed": answers[tasks[number]].reason}
            ),
        }
        for number, (words, parameters) in enumerate(drawn)
    ]
    table = {
        "command": f"python benchmarks/search_tables.py {name}",
        "processor": processor_name(),
        "recipe_fields": to_dict(recipe),
        "space": space.describe(),
        "epochs": epochs,
        "shipped_again": [read(task) for task in again],
        "rows": rows,
    }
    path = FOLDER / f"{name}.json.gz"
    return files.write_bytes(path, gzip.compress(json.dumps(json_data(table)).encode(), mtime=0))


def draw(recipe: Recipe, space: Space, count: int) -> list[Any]:
    """The recipe as shipped, and random settings."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=make_sampler("random", 0))
    drawn: list[Any] = [({}, space.parameters_of(recipe) or {})]
    while len(drawn) < count:
        trial = study.ask()
        drawn.append((space.suggest(trial), trial.params))
    return drawn


def task_of(folder: Path, recipe: Recipe, words: dict[str, str], epochs: int, seed: int = 0) -> Task:
    """One training to its end."""
    varied = override(recipe, [*(f"{key}={value}" for key, value in words.items()), f"seed={seed}"])
    return Task(folder, varied, epochs, confirm=True)


def read(task: Task) -> dict[str, object]:
    """Curve on validation, and accuracy on the images that were only asked."""
    said = Predictions.load(task.run.predictions_file(CONFIRMATION))
    for heavy in ("checkpoint.npz", "checkpoint-earlier.npz", "last.weights.h5", "model.keras"):
        (task.folder / heavy).unlink(missing_ok=True)
    rows = task.run.history()
    return {
        "curve": [round(row["validation_accuracy"], 6) for row in rows],
        "accuracy": float((said.predicted == said.labels).mean()),
        "epoch_seconds": sum(row["epoch_seconds"] for row in rows) / len(rows),
    }


def parse() -> argparse.Namespace:
    """The command's words."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", choices=sorted(TABLES))
    parser.add_argument("--work", type=Path, default=Path("out/search-tables"), help="where the trainings are kept")
    parser.add_argument("--jobs", type=int, default=2, help="processes that train")
    parser.add_argument("--settings", type=int, default=SETTINGS, help="how many")
    return begin(parser)


if __name__ == "__main__":
    main()
