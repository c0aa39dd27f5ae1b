"""What each technique of a recipe buys: the recipe, and the recipe without one of them, on the same seeds.

    python benchmarks/ablation.py convnet94 --seeds 3 --set epochs=4 --set "image_pixels=(24, 24)" \
        --without "flip=random" --without "image_pixels=()" --without "label_smoothing=0" --tta flip-shift

Accuracy is on validation, which 5,000 training images are held out for: the test set has no part in choosing. Prints
accuracy and training seconds (mean and standard deviation over the seeds), and the difference to the whole recipe,
seed by seed, with its 95 % t-interval; with `--tta` the same again with that test-time augmentation, of the model that
the run keeps. A `--without` of several settings is given as one, with `;` between them. What was trained before in the
same folder is not trained again.
"""

import argparse
import dataclasses
import re
import statistics
from collections.abc import Sequence
from pathlib import Path

from _measure import begin, errors_in_one_line, tell
from scipy import stats

from cifarlab import training
from cifarlab.displays.console import make_console
from cifarlab.displays.progress import TrainingDisplay
from cifarlab.evaluation import scoring
from cifarlab.inference import tta
from cifarlab.recipes import load_recipe, override
from cifarlab.runs import Run, layout, open_run
from cifarlab.utils.errors import CifarlabError

WHOLE = "whole recipe"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="for all, as in cifarlab train")
    parser.add_argument("--without", action="append", default=[], metavar="KEY=VALUE[;KEY=VALUE]", help="one row each")
    parser.add_argument("--tta", default=layout.NO_TTA, choices=tta.NAMES)
    parser.add_argument("--data-dir")
    parser.add_argument("--runs-dir", type=Path, default=Path("out/ablation"))
    arguments = begin(parser)
    with errors_in_one_line():
        rows = {row: [*arguments.set, *([] if row == WHOLE else row.split(";"))] for row in [WHOLE, *arguments.without]}
        for settings in rows.values():  # a mistake in the last row is found before the first is trained
            override(load_recipe(arguments.recipe), settings)
        runs: dict[str, list[Run]] = {}
        for seed in range(arguments.seeds):  # seed by seed, so that a slow hour of the machine hits all rows
            for row, settings in rows.items():
                runs.setdefault(row, []).append(trained(arguments, row, settings, seed))
        print(f"{arguments.recipe} with {' '.join(arguments.set) or 'nothing changed'}")
        print_table({row: [accuracy(run) for run in made] for row, made in runs.items()}, runs, "without TTA")
        if arguments.tta != layout.NO_TTA:
            with_tta = {row: [accuracy_with(run, arguments) for run in made] for row, made in runs.items()}
            print_table(with_tta, runs, layout.describe_tta(arguments.tta))


def trained(arguments: argparse.Namespace, row: str, settings: Sequence[str], seed: int) -> Run:
    """The finished run of a row and a seed, trained now unless it is there."""
    name = f"{re.sub('[^a-z0-9.]+', '-', row.lower()).strip('-')}-seed{seed}"
    settings = ["validation_fraction=0.1", *settings]
    if (arguments.runs_dir / name).exists():
        run = open_run(arguments.runs_dir / name)
        wanted = override(load_recipe(arguments.recipe), [*settings, f"seed={seed}"])
        if wanted.precision == "auto":  # decided as the training began
            wanted = dataclasses.replace(wanted, precision=run.recipe.precision)
        if run.recipe != wanted:
            raise CifarlabError(f"{run.path} is of another recipe or other settings: give another --runs-dir")
        if run.state["state"] == "finished":
            return run
    tell(f"training {name}")
    with TrainingDisplay(make_console(stderr=True)) as display:
        return training.train(
            arguments.recipe,
            settings=settings,
            seed=seed,
            data_dir=arguments.data_dir,
            runs_dir=arguments.runs_dir,
            name=name,
            show=display,
        )


def print_table(accuracies: dict[str, list[float]], runs: dict[str, list[Run]], how: str) -> None:
    """One line a row: accuracy, seconds, and the difference to the whole recipe."""
    print(f"{f'on validation, {how}':44s}{'accuracy':>16s}{'seconds':>14s}   difference in points (95 %)")
    base = accuracies[WHOLE]
    for row, found in accuracies.items():
        seconds = [sum(line["epoch_seconds"] for line in run.history()) for run in runs[row]]
        line = f"{row:44s}{shown(found):>16s}{statistics.fmean(seconds):8.0f} ± {spread(seconds):3.0f}"
        if row != WHOLE and len(found) > 1:
            differences = [100 * (a - b) for a, b in zip(found, base, strict=True)]
            mean = statistics.fmean(differences)
            half = stats.t.ppf(0.975, len(found) - 1) * spread(differences) / len(found) ** 0.5
            line += f"   {mean:+.2f} ({mean - half:+.2f} to {mean + half:+.2f})"
        print(line)


def accuracy(run: Run) -> float:
    """On validation, after the last epoch: choosing the best would flatter."""
    return float(run.history()[-1]["validation_accuracy"])


def accuracy_with(run: Run, arguments: argparse.Namespace) -> float:
    """On validation with test-time augmentation, measured now unless it was before."""
    if not run.scores_file("validation", tta=arguments.tta).is_file():
        tell(f"evaluating {run.name}, {layout.describe_tta(arguments.tta)}")
        scoring.evaluate(run, split="validation", data_dir=arguments.data_dir, tta=arguments.tta)
    return run.scores("validation", arguments.tta).accuracy or 0.0


def shown(values: list[float]) -> str:
    return f"{100 * statistics.fmean(values):.2f} ± {100 * spread(values):.2f} %"


def spread(values: list[float]) -> float:
    return statistics.stdev(values) if len(values) > 1 else 0.0


if __name__ == "__main__":
    main()
