"""Seeds against seeds: whether one recipe is better than another, and not only one network than another."""

import hashlib
import itertools
import os
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from cifarlab.evaluation.comparison.aligned_runs import Comparable, ComparedRun, RunScores, enter, notices_of
from cifarlab.metrics.statistics.intervals import mean_over_seeds
from cifarlab.metrics.statistics.significance import (  # fmt: skip
    SIGNIFICANCE,
    holm,
    least_p_value,
    permutation_test,
    seeds_needed,
    show_p,
    welch_difference,
)
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.result_tables import ResultTable, Shown, as_percent, with_limits
from cifarlab.utils.results import Interval
from cifarlab.utils.text import counted, signed

FORMAT = 1
NOTE = (
    "The test is about the recipes: whether their seeds differ more than seeds do by chance. All networks answered the "
    "same images; on other images both groups would move together more than apart."
)
_Runs = Sequence[Comparable]


@dataclass(frozen=True)
class SeedGroup:
    """Runs of one recipe with several seeds.

    Attributes:
        name: What their names begin with.
        mean: Mean accuracy, an interval over seeds.
    """

    name: str
    runs: tuple[RunScores, ...]
    mean: Interval
    standard_deviation: float


@dataclass(frozen=True, kw_only=True)
class GroupComparison(Shown):
    """Two groups of seeds on the same images.

    Attributes:
        split: Which images.
        count: How many.
        note: What the test is about.
        notices: What a reader must know of the predictions.
        groups: The two.
        difference: Of the mean accuracies, first minus second.
        p_value: Of the test.
        test: What was done.
        least_p_value: That groups of this size can give.
        seeds_needed: Of each, to see this difference at 5 % (divided by the pairs) with a chance of 80 %; None where
            there is none.
        sentence: What the data allow to be said.
    """

    format: int = FORMAT
    split: str
    count: int
    note: str = NOTE
    notices: tuple[str, ...]
    groups: tuple[SeedGroup, SeedGroup]
    difference: Interval
    p_value: float
    test: str
    least_p_value: float
    seeds_needed: int | None
    sentence: str = ""

    def table(self) -> ResultTable:
        """Each group's mean and spread, and what the data allow to be said."""
        rows = [
            (group.name, str(len(group.runs)), *with_limits(group.mean), as_percent(group.standard_deviation))
            for group in self.groups
        ]
        header = ("group", "seeds", "mean accuracy", "95 % interval", "standard deviation")
        sentences = (*self.notices, self.sentence, self.note)
        return ResultTable(header, rows, counted(self.count, f"{self.split} image"), sentences)


def compare_groups(
    first: _Runs,
    second: _Runs,
    *,
    split: str = "test",
    runs_dir: str | os.PathLike[str] = "runs",
    labels: str | os.PathLike[str] | None = None,
) -> GroupComparison:
    """Compare the accuracies of two groups of runs; only `predictions-<split>.npz` is read.

    Args:
        first: Runs of one recipe with several seeds, each evaluated on `split`.
        second: Runs of another.
        split: Which predictions to read.
        runs_dir: Where the run of the built-in model is.
        labels: The true classes for files of predictions that hold none; see `compare`.

    Raises:
        CifarlabError: If a group has fewer than two runs, a run is in both, one has no predictions for `split`, or
            they were evaluated on different images, labels or class names.
    """
    _check_sizes(first, second)
    return compare_every_two([first, second], split=split, runs_dir=runs_dir, labels=labels)[0]


def compare_every_two(
    groups: Sequence[_Runs],
    *,
    split: str = "test",
    runs_dir: str | os.PathLike[str] = "runs",
    labels: str | os.PathLike[str] | None = None,
) -> list[GroupComparison]:
    """Compare every two of several groups of runs; of more than two groups the p values are adjusted by Holm.

    Args:
        groups: Two or more, each of two runs or more of one recipe with several seeds.
        split: Which predictions to read.
        runs_dir: Where the run of the built-in model is.
        labels: The true classes for files of predictions that hold none.

    Raises:
        CifarlabError: As `compare_groups`.
    """
    entrants = enter([run for group in groups for run in group], split, runs_dir, labels)
    rest = iter(entrants)
    parts = [list(itertools.islice(rest, len(group))) for group in groups]
    described = [_describe(name, part) for name, part in zip(_names(parts), parts, strict=True)]
    pairs = list(itertools.combinations(described, 2))
    found = [_compare_two(split, pair, entrants, len(pairs)) for pair in pairs]
    return [replace(each, sentence=_sentence(each)) for each in _adjusted(found)]


def same_but_seed(settings: Mapping[str, object], data: str, labels: str = "") -> str:
    """Equal for runs whose recipes, data and labels are the same but for the seed.

    Args:
        settings: The recipe's, as `settings_of` gives them.
        data: Name of the data set.
        labels: Checksum of the labels file; empty where the labels are as published.
    """
    written = sorted((name, repr(value)) for name, value in settings.items() if name != "seed")
    return hashlib.sha256(repr((data, labels, written)).encode()).hexdigest()[:12]


def _check_sizes(first: _Runs, second: _Runs) -> None:
    for title, group in (("first", first), ("second", second)):
        if len(group) < 2:
            raise CifarlabError(
                f"the {title} group has {counted(len(group), 'run')}: expected at least two, of different seeds"
            )


def _compare_two(
    split: str, groups: tuple[SeedGroup, SeedGroup], entrants: list[ComparedRun], num_pairs: int
) -> GroupComparison:
    one, other = ([run.accuracy.value or 0.0 for run in group.runs] for group in groups)
    p_value, test = permutation_test(one, other)
    return GroupComparison(
        split=split,
        count=len(entrants[0].predictions),
        notices=notices_of(entrants),
        groups=groups,
        difference=welch_difference(one, other),
        p_value=p_value,
        test=test,
        least_p_value=least_p_value(len(one), len(other)),
        seeds_needed=seeds_needed(one, other, num_pairs),
    )


def _adjusted(found: list[GroupComparison]) -> list[GroupComparison]:
    """By Holm over all pairs; one alone stays as it is."""
    if len(found) < 2:
        return found
    least = min(1.0, len(found) * min(each.least_p_value for each in found))
    adjusted = holm([each.p_value for each in found])
    return [
        replace(each, p_value=p_value, test=f"{each.test}, adjusted for {len(found)} pairs", least_p_value=least)
        for each, p_value in zip(found, adjusted, strict=True)
    ]


def _names(parts: list[list[ComparedRun]]) -> list[str]:
    """What the runs' names begin with, without the seed; plain words where that does not tell the groups apart."""
    names = [common_name([entrant.name for entrant in part]) for part in parts]
    if all(names) and len(set(names)) == len(names):
        return names
    if len(parts) == 2:
        return ["the first group", "the second group"]
    return [f"group {number}" for number in range(1, len(parts) + 1)]


def common_name(names: Sequence[str]) -> str:
    """What the names of runs of several seeds begin with, without the seed; perhaps nothing."""
    columns = zip(*names, strict=False)
    prefix = "".join(letters[0] for letters in itertools.takewhile(lambda found: len(set(found)) == 1, columns))
    return prefix.rstrip("-_.").removesuffix("seed").rstrip("-_.")


def _describe(name: str, entrants: list[ComparedRun]) -> SeedGroup:
    runs = tuple(entrant.score() for entrant in entrants)
    accuracies = [float(entrant.correct.mean()) for entrant in entrants]
    return SeedGroup(name, runs, mean_over_seeds(accuracies), statistics.stdev(accuracies))


def _sentence(found: GroupComparison) -> str:
    first, second = (group.name for group in found.groups)
    sizes = [len(group.runs) for group in found.groups]
    value, low, high = found.difference.value or 0.0, found.difference.low, found.difference.high
    limits = "" if low is None or high is None else f"95 % interval {signed(100 * low)} to {signed(100 * high)}; "
    test = f"{limits}{found.test}, p {show_p(found.p_value)}"
    seeds = f"{sizes[0]} against {sizes[1]} seeds"
    if found.p_value < SIGNIFICANCE:
        better, worse = (first, second) if value > 0 else (second, first)
        return f"{better} is more accurate than {worse} on average, by {_points(abs(value))} ({seeds}; {test})."
    said = f"{seeds} do not tell {first} and {second} apart: the means differ by {_points(value)} ({test})."
    if found.least_p_value >= SIGNIFICANCE:
        return f"{said} So few seeds cannot: their p value is never under {found.least_p_value:.2f}."
    needed = found.seeds_needed
    if not needed or needed <= max(sizes):  # so many, and more, did not tell: an estimate that is off says nothing
        return said
    return f"{said} If that is the true difference, it would take about {needed:,} seeds each."


def _points(value: float) -> str:
    return f"{signed(100 * value).removeprefix('+')} percentage points"
