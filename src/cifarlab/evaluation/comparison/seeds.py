"""Seeds against seeds: whether one recipe is better than another, and not only one network than another."""

import itertools
import os
import statistics
from collections.abc import Sequence
from typing import Any

from cifarlab.evaluation.comparison.aligned_runs import Comparable, ComparedRun, enter, notices_of
from cifarlab.metrics.statistics import intervals
from cifarlab.metrics.statistics.significance import (  # fmt: skip
    SIGNIFICANCE,
    least_p_value,
    permutation_test,
    seeds_needed,
    show_p,
    welch_difference,
)
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.files import plain
from cifarlab.utils.text import counted, signed

FORMAT = 1
NOTE = (
    "The test is about the recipes: whether their seeds differ more than seeds do by chance. All networks answered the "
    "same images; on other images both groups would move together more than apart."
)
_Runs = Sequence[Comparable]


def compare_groups(
    first: _Runs,
    second: _Runs,
    *,
    split: str = "test",
    runs_dir: str | os.PathLike[str] = "runs",
    labels: str | os.PathLike[str] | None = None,
) -> dict[str, Any]:
    """Compare the accuracies of two groups of runs; only `predictions-<split>.npz` is read.

    Args:
        first: Runs of one recipe with several seeds, each evaluated on `split`.
        second: Runs of another.
        split: Which predictions to read.
        runs_dir: Where the run of the built-in model is.
        labels: The true classes for files of predictions that hold none; see `compare`.

    Returns:
        Ready for JSON: `format`, `split`, `count` (images), `note`, `notices` (what a reader must know of the
        predictions); `groups`, two with `name`, `runs` (`run`, `path`, `accuracy` and `macro_f1` as intervals), `mean`
        accuracy as an interval over seeds and `standard_deviation`;
        `difference` of the means, first minus second, as an interval; `p_value` and `test` (what was done);
        `least_p_value` that groups of this size can give; `seeds_needed` of each to see this difference at 5 % with a
        chance of 80 %, None where there is none; `sentence`: what the data allow to be said.

    Raises:
        CifarlabError: If a group has fewer than two runs, a run is in both, one has no predictions for `split`, or
            they were evaluated on different images, labels or class names.
    """
    for title, group in (("first", first), ("second", second)):
        if len(group) < 2:
            raise CifarlabError(
                f"the {title} group has {counted(len(group), 'run')}: expected at least two, of different seeds"
            )
    entrants = enter([*first, *second], split, runs_dir, labels)
    parts = entrants[: len(first)], entrants[len(first) :]
    accuracies = [[float(entrant.correct.mean()) for entrant in part] for part in parts]
    p_value, test = permutation_test(*accuracies)
    names = _names(*parts)
    result = {
        "format": FORMAT,
        "split": split,
        "count": len(entrants[0].predictions),
        "note": NOTE,
        "notices": notices_of(entrants),
        "groups": [_describe(*each) for each in zip(names, parts, accuracies, strict=True)],
        "difference": welch_difference(*accuracies),
        "p_value": p_value,
        "test": test,
        "least_p_value": least_p_value(len(first), len(second)),
        "seeds_needed": seeds_needed(*accuracies),
    }
    return plain({**result, "sentence": _sentence(result)})


def _names(first: list[ComparedRun], second: list[ComparedRun]) -> tuple[str, str]:
    """What the runs' names begin with, without the seed; plain words where that does not tell the groups apart."""
    names = [_common([entrant.name for entrant in part]) for part in (first, second)]
    return (names[0], names[1]) if all(names) and names[0] != names[1] else ("the first group", "the second group")


def _common(names: list[str]) -> str:
    columns = zip(*names, strict=False)
    prefix = "".join(letters[0] for letters in itertools.takewhile(lambda found: len(set(found)) == 1, columns))
    return prefix.rstrip("-_.").removesuffix("seed").rstrip("-_.")


def _describe(name: str, entrants: list[ComparedRun], accuracies: list[float]) -> dict[str, Any]:
    return {
        "name": name,
        "runs": [entrant.describe() for entrant in entrants],
        "mean": intervals.mean_over_seeds(accuracies),
        "standard_deviation": statistics.stdev(accuracies),
    }


def _sentence(result: dict[str, Any]) -> str:
    first, second = (group["name"] for group in result["groups"])
    sizes = [len(group["runs"]) for group in result["groups"]]
    value, low, high = result["difference"].value, result["difference"].low, result["difference"].high
    limits = "" if low is None else f"95 % interval {signed(100 * low)} to {signed(100 * high)}; "
    test = f"{limits}{result['test']}, p {show_p(result['p_value'])}"
    seeds = f"{sizes[0]} against {sizes[1]} seeds"
    if result["p_value"] < SIGNIFICANCE:
        better, worse = (first, second) if value > 0 else (second, first)
        return f"{better} is more accurate than {worse} on average, by {_points(abs(value))} ({seeds}; {test})."
    found = f"{seeds} do not tell {first} and {second} apart: the means differ by {_points(value)} ({test})."
    if result["least_p_value"] >= SIGNIFICANCE:
        return f"{found} So few seeds cannot: their p value is never under {result['least_p_value']:.2f}."
    needed = result["seeds_needed"]
    return f"{found} If that is the true difference, it would take about {needed:,} seeds each." if needed else found


def _points(value: float) -> str:
    return f"{signed(100 * value).removeprefix('+')} percentage points"
