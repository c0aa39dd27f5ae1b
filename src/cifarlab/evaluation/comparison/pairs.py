"""Two or more runs, compared on the same images: what the data allow to be said, and where the runs differ."""

import itertools
import os
from collections.abc import Sequence
from typing import Any

from cifarlab.evaluation.comparison.aligned_runs import Comparable, ComparedRun, enter, notices_of
from cifarlab.evaluation.comparison.seeds import compare_groups
from cifarlab.metrics.statistics.significance import (
    SIGNIFICANCE,
    holm,
    images_needed,
    mcnemar,
    mean_difference,
    paired_difference,
    show_p,
)
from cifarlab.utils.files import plain
from cifarlab.utils.text import counted, signed

__all__ = ["NOTE", "compare", "compare_groups", "holm", "mcnemar", "mean_difference", "paired_difference", "show_p"]

FORMAT = 1
NOTE = (
    "The tests are about these trained networks on images like these. The same recipe with another seed gives another "
    "network: to compare recipes, train each with several seeds."
)


def compare(
    runs: Sequence[Comparable],
    *,
    split: str = "test",
    runs_dir: str | os.PathLike[str] = "runs",
    labels: str | os.PathLike[str] | None = None,
) -> dict[str, Any]:
    """Compare runs by what they predicted for the same images; only `predictions-<split>.npz` is read.

    Models trained elsewhere enter by their files of predictions, as `predictions_from_files` reads them, or by the
    folder that `evaluate_files` wrote. Images are matched by ids; a file without ids is taken in the order of the
    others, and its labels must be theirs in each row.

    Args:
        runs: Two or more: runs that were evaluated on `split`, files of predictions, folders of `evaluate_files`.
        split: Which predictions of the runs to read.
        runs_dir: Where the run of the built-in model is.
        labels: The true classes for files of predictions that hold none.

    Returns:
        Ready for JSON: `format`, `split`, `count` (images), `class_names`, `note`, `notices` (what a reader must know
        of the predictions, and what was assumed about files from elsewhere); `runs`: `run`, `path`, and
        `accuracy`, `macro_f1` as `{"value", "low", "high", "method"}`; `pairs`, each with

        - `first`, `second`: the runs' names;
        - `both_right`, `only_first_right_count` (b), `only_second_right_count` (c), `both_wrong`: numbers of images;
        - `accuracy_difference`: accuracy of the first minus that of the second, as an interval;
        - `p_value`: exact McNemar test; `adjusted_p_value`: by Holm over all pairs (the same where there is one);
        - `images_needed`: how many images it would take to see this difference, at 5 % with a chance of 80 %; None
          where there is none;
        - `sentence`: what the data allow to be said;
        - `only_first_right`, `only_second_right`: ids of the images that one got right and the other wrong.

    Raises:
        CifarlabError: If there are fewer than two runs, one has no predictions for `split`, or they were evaluated on
            different images, labels or class names.

    Source: McNemar 1947, Psychometrika 12:153; Holm 1979, Scandinavian Journal of Statistics 6:65;
        Connor 1987, Biometrics 43:207.
    """
    entrants = enter(runs, split, runs_dir, labels)
    count = len(entrants[0].predictions)
    pairs = [_compare_pair(first, second) for first, second in itertools.combinations(entrants, 2)]
    for pair, adjusted in zip(pairs, holm([pair["p_value"] for pair in pairs]), strict=True):
        pair["adjusted_p_value"] = adjusted
        pair["sentence"] = _sentence(pair, count, split, len(pairs))
    described = [entrant.describe() for entrant in entrants]
    about = {"format": FORMAT, "split": split, "count": count, "class_names": entrants[0].predictions.class_names}
    return plain({**about, "note": NOTE, "notices": notices_of(entrants), "runs": described, "pairs": pairs})


def _compare_pair(first: ComparedRun, second: ComparedRun) -> dict[str, Any]:
    ids = first.predictions.ids
    only_first, only_second = first.correct & ~second.correct, second.correct & ~first.correct
    b, c = int(only_first.sum()), int(only_second.sum())
    both = int((first.correct & second.correct).sum())
    neither = len(ids) - both - b - c
    return {
        "first": first.name,
        "second": second.name,
        "both_right": both,
        "only_first_right_count": b,
        "only_second_right_count": c,
        "both_wrong": neither,
        "accuracy_difference": paired_difference(both, b, c, neither),
        "p_value": mcnemar(b, c),
        "images_needed": images_needed(b, c, len(ids)),
        "only_first_right": ids[only_first],
        "only_second_right": ids[only_second],
    }


def _sentence(pair: dict[str, Any], count: int, split: str, num_pairs: int) -> str:
    first, second = pair["first"], pair["second"]
    images = counted(count, f"{split} image")
    if pair["only_first_right_count"] + pair["only_second_right_count"] == 0:
        return (
            f"{first} and {second} classify exactly the same {split} images correctly ({count:,}): nothing sets them "
            "apart."
        )
    found = pair["accuracy_difference"]
    value, low, high = (100 * each for each in (found.value, found.low, found.high))
    adjusted = f", adjusted for {num_pairs} pairs" if num_pairs > 1 else ""
    test = f"exact McNemar p {show_p(pair['adjusted_p_value'])}{adjusted}"
    if pair["adjusted_p_value"] >= SIGNIFICANCE:
        return (
            f"The {images} {'does' if count == 1 else 'do'} not tell {first} and {second} apart: the difference is "
            f"{signed(value)} percentage points (95 % interval {signed(low)} to {signed(high)}; {test})."
            f"{_outlook(pair)}"
        )
    if value < 0:
        first, second, value, low, high = second, first, -value, -high, -low
    return (
        f"{first} is more accurate than {second} by {value:.2f} percentage points on {images} "
        f"(95 % interval {signed(low)} to {signed(high)}; {test})."
    )


def _outlook(pair: dict[str, Any]) -> str:
    needed = pair["images_needed"]
    if not needed:
        return ""
    about = counted(int(float(f"{needed:.2g}")), "image")  # an estimate from an estimate: two digits say enough
    return f" If that is the true difference, it would take about {about} to see it with a chance of 80 %."
