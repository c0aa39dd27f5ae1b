"""The pixel-permutation test: every recipe trained as it is and on shuffled pixels, and what the shuffling costs."""

import dataclasses
import itertools
import os
import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path

import numpy as np

from cifarlab import datasets
from cifarlab.evaluation import scoring
from cifarlab.evaluation.permutation_result import PermutationTest, ShuffledComparison, say_difference
from cifarlab.metrics.statistics import significance
from cifarlab.metrics.statistics.intervals import Interval, mean_over_seeds, share
from cifarlab.models import shuffle_images
from cifarlab.plots import to_png, to_svg
from cifarlab.plots.pixel_permutation import plot_pixel_permutation
from cifarlab.recipes import Recipe, load_recipe, override
from cifarlab.runs import Run, open_run
from cifarlab.runs.predictions import Predictions
from cifarlab.training import launch, plan
from cifarlab.training.observer import Silent, TrainingObserver
from cifarlab.utils import files
from cifarlab.utils.arrays import Array
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.json_data import json_data

FORMAT = 1
SPLITS = ("validation", "test")
NOTE = (
    "Shuffled: all pixels of every image in one other order, the same for all images of training and evaluation. No "
    "information is lost; only who is whose neighbour."
)
CHOSEN_ON = "Both networks are of the epoch that did best on these very images, which flatters both alike."


@dataclasses.dataclass(frozen=True)
class Pair:
    """One recipe, as it is and shuffled.

    Attributes:
        changed: What had to be changed in it for this test, for both.
        plain: One training a seed.
        shuffled: One training a seed, in the same order.
    """

    recipe: str
    changed: tuple[str, ...]
    plain: list[plan.Training]
    shuffled: list[plan.Training]


def plan_pairs(
    recipes: Sequence[str],
    settings: Sequence[str] = (),
    *,
    seeds: int = 1,
    data: str | None = None,
    split: str = "validation",
    code: Sequence[str | os.PathLike[str]] = (),
) -> list[Pair]:
    """All trainings of the test, each checked before the first begins.

    A recipe that begins with smaller images does without them, and one that holds nothing out holds out a tenth where
    validation is asked for: with and without shuffling alike.

    Args:
        recipes: Names of recipes, or paths of files.
        settings: Overrides such as `"epochs=10"`, for all of them.
        seeds: Train with each of the seeds 0 to `seeds - 1`.
        data: Data set instead of the recipes' own.
        split: One of `SPLITS`.
        code: The user's own Python files that recipes in JSON may name.

    Raises:
        CifarlabError: If a name, a setting or the split is wrong.
    """
    _check(settings, split)
    pairs = []
    for recipe in dict.fromkeys(recipes):
        wanted = override(load_recipe(recipe), settings)
        changed: tuple[str, ...] = ("image_pixels=()",) if wanted.image_pixels else ()
        if split == "validation" and not wanted.validation_fraction:
            changed += ("validation_fraction=0.1",)
        arms = [
            plan.plan_trainings([recipe], [*settings, *changed, *more], seeds=seeds, data=data, code=code)
            for more in ((), ("shuffle_pixels=True",))
        ]
        pairs.append(Pair(recipe, changed, *arms))
    return pairs


def _check(settings: Sequence[str], split: str) -> None:
    if split not in SPLITS:
        raise CifarlabError(f"unknown split {split!r}: expected {' or '.join(SPLITS)}")
    for setting in settings:
        key = setting.partition("=")[0].strip()
        if key in ("shuffle_pixels", "seed"):
            how = "it is what is compared" if key == "shuffle_pixels" else "give --seeds N"
            raise CifarlabError(f"{key} cannot be set in a pixel-permutation test: {how}")


def measure_pairs(
    pairs: Sequence[Pair],
    *,
    split: str = "validation",
    data_dir: str | None = None,
    runs_dir: Path = Path("runs"),
    output: Path = Path("permutation"),
    observe: Callable[[], AbstractContextManager[TrainingObserver]] = lambda: nullcontext(Silent()),
) -> PermutationTest:
    """Train what has not been trained yet, evaluate it, and compare.

    Writes `permutation.json`, `permutation.png` and `permutation.svg` into the output folder.

    Args:
        pairs: What `plan_pairs` made.
        split: Which images are classified.
        data_dir: Where the data are.
        runs_dir: Folder of all runs; a finished run of the very same recipe and data is taken from there.
        output: The folder for figure and numbers.
        observe: Called before each training; what it gives watches that one. By default nobody does.

    Raises:
        CifarlabError: If the data cannot be had, a training fails, or the folder cannot be written.
    """
    train = partial(_trained, data_dir=data_dir, runs_dir=runs_dir, observe=observe)
    trained: list[tuple[list[Run], list[Run]]] = [([], []) for _ in pairs]
    for seed in range(len(pairs[0].plain)):  # seed by seed, so that a test that is stopped has whole ones
        for pair, (plain, shuffled) in zip(pairs, trained, strict=True):
            plain.append(train(pair.plain[seed], ""))
            shuffled.append(train(pair.shuffled[seed], "-shuffled"))
    rows = [_compare(pair, *arms, split, data_dir) for pair, arms in zip(pairs, trained, strict=True)]
    note = f"{NOTE} {CHOSEN_ON}" if split == "validation" else NOTE
    result = PermutationTest(FORMAT, split, len(pairs[0].plain), note, rows)
    return dataclasses.replace(result, files=_write(result, _example(trained[0][0][0], split, data_dir), output))


def _compare(pair: Pair, plain: list[Run], shuffled: list[Run], split: str, data_dir: str | None) -> ShuffledComparison:
    """Both accuracies and their difference, with intervals, and what they say."""
    answers = [[_answers(run, split, data_dir) for run in arm] for arm in (plain, shuffled)]
    first, recipe = answers[0][0], Path(pair.recipe).stem
    for run, found in zip([*plain, *shuffled], itertools.chain(*answers), strict=True):
        if not (np.array_equal(found.ids, first.ids) and np.array_equal(found.labels, first.labels)):
            raise CifarlabError(
                f"{run.path} was evaluated on other {split} images or labels than {plain[0].path}: the data have "
                "changed since; give another --runs-dir, or move the older runs away"
            )
    before, after, difference = _measure(*answers)
    return ShuffledComparison(
        recipe=recipe,
        data=plain[0].data_name,
        changed=pair.changed,
        runs=[str(run.path) for run in plain],
        shuffled_runs=[str(run.path) for run in shuffled],
        count=len(first),
        chance=1 / len(first.class_names),
        accuracy=before,
        shuffled_accuracy=after,
        difference=difference,
        sentence=say_difference(recipe, difference),
    )


def _trained(
    training: plan.Training,
    mark: str,
    *,
    data_dir: str | None,
    runs_dir: Path,
    observe: Callable[[], AbstractContextManager[TrainingObserver]],
) -> Run:
    """The finished run of this very recipe, trained now unless it is there."""
    wanted = plan.resolve(training)
    name = f"{Path(training.recipe).stem}{mark}-seed{wanted.seed}"
    for path in sorted(runs_dir.glob(f"{name}*")):
        if re.fullmatch(rf"{re.escape(name)}(-\d+)?", path.name) and _is_finished(Run(path), wanted):
            return open_run(path, needs_model=True)
    with observe() as observer:
        return launch.train(
            training.recipe,
            settings=training.settings,
            seed=training.seed,
            data=training.data,
            data_dir=data_dir,
            runs_dir=runs_dir,
            name=name,
            show=observer,
        )


def _is_finished(run: Run, wanted: Recipe) -> bool:
    if not run.state_file.is_file() or run.state["state"] != "finished":
        return False
    # Which precision "auto" was is decided when a training begins.
    found = dataclasses.replace(run.recipe, precision=wanted.precision) if wanted.precision == "auto" else run.recipe
    return found == wanted and not run.labels_checksum


def _answers(run: Run, split: str, data_dir: str | None) -> Predictions:
    if not (run.has_current_predictions(split) and run.scores_file(split).is_file()):
        scoring.evaluate(run, split=split, data_dir=data_dir)
    return run.predictions(split)


def _measure(plain: list[Predictions], shuffled: list[Predictions]) -> tuple[Interval, Interval, Interval]:
    """Accuracy as it is and shuffled, and the difference."""
    before, after = (np.array([answers.correct for answers in arm]) for arm in (plain, shuffled))  # (seeds, N)
    if len(plain) == 1:
        counts = [(after & before), (after & ~before), (~after & before), (~after & ~before)]
        return share(before[0]), share(after[0]), significance.paired_difference(*(int(each.sum()) for each in counts))
    means = before.mean(axis=1), after.mean(axis=1)
    difference = significance.mean_difference((means[1] - means[0]).tolist())
    return mean_over_seeds(means[0].tolist()), mean_over_seeds(means[1].tolist()), difference


def _example(run: Run, split: str, data_dir: str | None) -> Array:
    """The first image of the split, `(H, W, C)` uint8."""
    where = data_dir or run.data_dir
    image: Array = datasets.load_data(run.data_name, data_dir=where, **run.recipe.held_out)[split].images[0]
    return image


def _write(result: PermutationTest, image: Array, output: Path) -> tuple[str, ...]:
    rows = {
        row.recipe: [vars(score) for score in (row.accuracy, row.shuffled_accuracy, row.difference)]
        for row in result.recipes
    }
    figure = plot_pixel_permutation(rows, image, shuffle_images(image[None])[0], result.recipes[0].chance)
    values = {key: value for key, value in json_data(result).items() if key != "files"}
    written = (
        files.write_json(output / "permutation.json", values),
        files.write_bytes(output / "permutation.png", to_png(figure)),
        files.write_text(output / "permutation.svg", to_svg(figure)),
    )
    return tuple(map(str, written))
