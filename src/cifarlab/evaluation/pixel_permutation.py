"""The pixel-permutation test: every recipe trained as it is and on shuffled pixels, and what the shuffling costs."""

import dataclasses
import os
import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np

from cifarlab import datasets, metrics
from cifarlab.evaluation import scoring
from cifarlab.metrics.statistics import significance
from cifarlab.metrics.statistics.intervals import Interval, mean_over_seeds
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
from cifarlab.utils.text import signed

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
        recipe: Its name or file.
        changed: What had to be changed in it for this test, for both.
        plain: One training a seed.
        shuffled: One training a seed, in the same order.
    """

    recipe: str
    changed: tuple[str, ...]
    plain: list[plan.Training]
    shuffled: list[plan.Training]


def _unobserved() -> AbstractContextManager[TrainingObserver]:
    return nullcontext(Silent())


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
    if split not in SPLITS:
        raise CifarlabError(f"unknown split {split!r}: expected {' or '.join(SPLITS)}")
    for setting in settings:
        key = setting.partition("=")[0].strip()
        if key in ("shuffle_pixels", "seed"):
            how = "it is what is compared" if key == "shuffle_pixels" else "give --seeds N"
            raise CifarlabError(f"{key} cannot be set in a pixel-permutation test: {how}")
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


def measure_pairs(
    pairs: Sequence[Pair],
    *,
    split: str = "validation",
    data_dir: str | None = None,
    runs_dir: Path = Path("runs"),
    output: Path = Path("permutation"),
    observe: Callable[[], AbstractContextManager[TrainingObserver]] = _unobserved,
) -> dict[str, Any]:
    """Train what has not been trained yet, evaluate it, and compare.

    Writes `permutation.json`, `permutation.png` and `permutation.svg` into the output folder.

    Args:
        pairs: What `plan_pairs` made.
        split: Which images are classified.
        data_dir: Where the data are.
        runs_dir: Folder of all runs; a finished run of the very same recipe and data is taken from there.
        output: The folder for figure and numbers.
        observe: Called before each training; what it gives watches that one. By default nobody does.

    Returns:
        Ready for JSON: `format`, `split`, `seeds`, `note`; `recipes`: `recipe`, `data`, `count` (images), `changed`,
        `runs`, `shuffled_runs`, `accuracy` and `shuffled_accuracy` (means over the seeds), `difference` (shuffled minus
        not, paired: over images where there is one seed, else over seeds), each as `{"value", "low", "high",
        "method"}`, and `sentence`; `files`: what was written.

    Raises:
        CifarlabError: If the data cannot be had, a training fails, or the folder cannot be written.
    """
    where: dict[str, Any] = {"data_dir": data_dir, "runs_dir": runs_dir, "observe": observe}
    trained: list[tuple[list[Run], list[Run]]] = [([], []) for _ in pairs]
    for seed in range(len(pairs[0].plain)):  # seed by seed, so that a test that is stopped has whole ones
        for pair, (plain, shuffled) in zip(pairs, trained, strict=True):
            plain.append(_trained(pair.plain[seed], "", **where))
            shuffled.append(_trained(pair.shuffled[seed], "-shuffled", **where))
    rows = []
    for pair, arms in zip(pairs, trained, strict=True):
        answers = [[_answers(run, split, data_dir) for run in arm] for arm in arms]
        row = {"recipe": Path(pair.recipe).stem, "data": arms[0][0].data_name, "changed": list(pair.changed)}
        row |= {"runs": [str(run.path) for run in arms[0]], "shuffled_runs": [str(run.path) for run in arms[1]]}
        rows.append({**row, **_measure(answers[0], answers[1], str(row["recipe"]), split)})
    note = f"{NOTE} {CHOSEN_ON}" if split == "validation" else NOTE
    result = {"format": FORMAT, "split": split, "seeds": len(pairs[0].plain), "note": note, "recipes": rows}
    return {**result, "files": _write(result, _example(trained[0][0][0], split, data_dir), output)}


def _trained(
    training: plan.Training,
    mark: str,
    *,
    data_dir: str | None,
    runs_dir: Path,
    observe: Callable[[], AbstractContextManager[TrainingObserver]],
) -> Run:
    """The finished run of this very recipe, trained now unless it is there."""
    wanted = dataclasses.replace(override(load_recipe(training.recipe), training.settings), seed=training.seed or 0)
    wanted = wanted if training.data is None else dataclasses.replace(wanted, data=training.data)
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
    return found == wanted


def _answers(run: Run, split: str, data_dir: str | None) -> Predictions:
    if not (run.has_current_predictions(split) and run.scores_file(split).is_file()):
        scoring.evaluate(run, split=split, data_dir=data_dir)
    return run.predictions(split)


def _measure(plain: list[Predictions], shuffled: list[Predictions], recipe: str, split: str) -> dict[str, Any]:
    """Both accuracies and their difference, with intervals, and what they say."""
    count = len(plain[0])
    correct = [np.array([answers.correct for answers in arm]) for arm in (plain, shuffled)]
    before, after = correct  # (seeds, N)
    if len(plain) == 1:
        accuracies = [metrics.measure("accuracy", arm[0]) for arm in (plain, shuffled)]
        counts = [(after & before), (after & ~before), (~after & before), (~after & ~before)]
        difference = significance.paired_difference(*(int(each.sum()) for each in counts))
    else:
        accuracies = [mean_over_seeds(each.mean(axis=1).tolist()) for each in correct]
        difference = significance.mean_difference((after.mean(axis=1) - before.mean(axis=1)).tolist())
    names = ("accuracy", "shuffled_accuracy", "difference")
    found = dict(zip(names, (*accuracies, difference), strict=True))
    chance = 1 / len(plain[0].class_names)
    return files.plain({"count": count, "chance": chance, **found, "sentence": _sentence(recipe, difference)})


def _sentence(recipe: str, difference: Interval) -> str:
    assert difference.value is not None
    if difference.low is None or difference.high is None:
        gap = signed(100 * difference.value)
        same = f"Every seed of {recipe} differs by the same {gap} percentage points when all pixels are shuffled"
        return f"{same}: what others would differ by cannot be told."
    value, low, high = (100 * each for each in (difference.value, difference.low, difference.high))
    interval = f"95 % interval {signed(low)} to {signed(high)}"
    if high < 0:
        return (
            f"{recipe} loses {-value:.2f} percentage points when all pixels are shuffled ({interval}): it used which "
            "pixels are neighbours."
        )
    if low > 0:
        return f"{recipe} gains {value:.2f} percentage points when all pixels are shuffled ({interval})."
    return (
        f"Nothing shows that {recipe} loses anything when all pixels are shuffled: the difference is {signed(value)} "
        f"percentage points ({interval})."
    )


def _example(run: Run, split: str, data_dir: str | None) -> Array:
    """The first image of the split, `(H, W, C)` uint8."""
    where = data_dir or run.data_dir
    image: Array = datasets.load_data(run.data_name, data_dir=where, **run.recipe.held_out)[split].images[0]
    return image


def _write(result: dict[str, Any], image: Array, output: Path) -> list[str]:
    keys = ("accuracy", "shuffled_accuracy", "difference")
    rows = {row["recipe"]: [row[key] for key in keys] for row in result["recipes"]}
    figure = plot_pixel_permutation(rows, image, shuffle_images(image[None])[0], result["recipes"][0]["chance"])
    written = [
        files.write_json(output / "permutation.json", result),
        files.write_bytes(output / "permutation.png", to_png(figure)),
        files.write_text(output / "permutation.svg", to_svg(figure)),
    ]
    return [str(path) for path in written]
