"""Two or more runs, compared on the same images: what the data allow to be said, and where the runs differ."""

import itertools
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

from cifarlab.evaluation.comparison.aligned_runs import Comparable, ComparedRun, RunScores, enter, notices_of
from cifarlab.metrics.statistics.significance import (
    SIGNIFICANCE,
    holm,
    images_needed,
    mcnemar,
    paired_difference,
    show_p,
)
from cifarlab.utils.result_tables import ResultTable, Shown, with_limits
from cifarlab.utils.results import Interval
from cifarlab.utils.text import counted, rounded, signed

FORMAT = 1
NOTE = (
    "The tests are about these trained networks on images like these. The same recipe with another seed gives another "
    "network: to compare recipes, train each with several seeds."
)


@dataclass(frozen=True)
class PairComparison:
    """Two runs on the same images.

    Attributes:
        first: Name of the first run.
        second: Name of the second.
        both_right: Images that both classify correctly.
        only_first_right_count: Images that only the first classifies correctly (b).
        only_second_right_count: Images that only the second classifies correctly (c).
        both_wrong: Images that neither classifies correctly.
        accuracy_difference: Accuracy of the first minus that of the second.
        p_value: Exact McNemar test.
        images_needed: How many images it would take to see this difference, at 5 % (divided by the pairs) with a chance
            of 80 %; None where there is none.
        only_first_right: Ids of the images that the first got right and the second wrong.
        only_second_right: The other way round.
        adjusted_p_value: By Holm over all pairs; the same where there is one.
        sentence: What the data allow to be said.
    """

    first: str
    second: str
    both_right: int
    only_first_right_count: int
    only_second_right_count: int
    both_wrong: int
    accuracy_difference: Interval
    p_value: float
    images_needed: int | None
    only_first_right: tuple[str, ...]
    only_second_right: tuple[str, ...]
    adjusted_p_value: float = 1.0
    sentence: str = ""


@dataclass(frozen=True, kw_only=True)
class Comparison(Shown):
    """Runs held against each other on the same images.

    Attributes:
        split: Which images.
        count: How many.
        class_names: In the order of the labels.
        note: What the tests are about.
        notices: What a reader must know of the predictions, and what was assumed about files from elsewhere.
        runs: In the order they were given.
        pairs: Every two of them.
    """

    format: int = FORMAT
    split: str
    count: int
    class_names: tuple[str, ...]
    note: str = NOTE
    notices: tuple[str, ...]
    runs: tuple[RunScores, ...]
    pairs: tuple[PairComparison, ...]

    def table(self) -> ResultTable:
        """Every run's accuracy and F1, and for every pair what the data allow to be said."""
        header = ("run", "accuracy", "95 % interval", "macro F1", "95 % interval")
        rows = [(run.run, *with_limits(run.accuracy), *with_limits(run.macro_f1)) for run in self.runs]
        sentences = (*self.notices, *(pair.sentence for pair in self.pairs), self.note)
        return ResultTable(header, rows, counted(self.count, f"{self.split} image"), sentences)


def compare(
    runs: Sequence[Comparable],
    *,
    split: str = "test",
    runs_dir: str | os.PathLike[str] = "runs",
    labels: str | os.PathLike[str] | None = None,
) -> Comparison:
    """Compare runs by what they predicted for the same images; only `predictions-<split>.npz` is read.

    Models trained elsewhere enter by their files of predictions, as `predictions_from_files` reads them, or by the
    folder that `evaluate_files` wrote. Images are matched by ids; a file without ids is taken in the order of the
    others, and its labels must be theirs in each row.

    Args:
        runs: Two or more: runs that were evaluated on `split`, files of predictions, folders of `evaluate_files`.
        split: Which predictions of the runs to read.
        runs_dir: Where the run of the built-in model is.
        labels: The true classes for files of predictions that hold none.

    Raises:
        CifarlabError: If there are fewer than two runs, one has no predictions for `split`, or they were evaluated on
            different images, labels or class names.

    Source: McNemar 1947, Psychometrika 12:153; Holm 1979, Scandinavian Journal of Statistics 6:65;
        Connor 1987, Biometrics 43:207.
    """
    entrants = enter(runs, split, runs_dir, labels)
    count = len(entrants[0].predictions)
    combinations = list(itertools.combinations(entrants, 2))
    pairs = [_compare_pair(first, second, len(combinations)) for first, second in combinations]
    adjusted = holm([pair.p_value for pair in pairs])
    pairs = [replace(pair, adjusted_p_value=p_value) for pair, p_value in zip(pairs, adjusted, strict=True)]
    return Comparison(
        split=split,
        count=count,
        class_names=entrants[0].predictions.class_names,
        notices=notices_of(entrants),
        runs=tuple(entrant.score() for entrant in entrants),
        pairs=tuple(replace(pair, sentence=_sentence(pair, count, split, len(pairs))) for pair in pairs),
    )


def _compare_pair(first: ComparedRun, second: ComparedRun, num_pairs: int) -> PairComparison:
    ids = first.predictions.ids
    only_first, only_second = first.correct & ~second.correct, second.correct & ~first.correct
    b, c = int(only_first.sum()), int(only_second.sum())
    both = int((first.correct & second.correct).sum())
    neither = len(ids) - both - b - c
    return PairComparison(
        first=first.name,
        second=second.name,
        both_right=both,
        only_first_right_count=b,
        only_second_right_count=c,
        both_wrong=neither,
        accuracy_difference=paired_difference(both, b, c, neither),
        p_value=mcnemar(b, c),
        images_needed=images_needed(b, c, len(ids), num_pairs),
        only_first_right=tuple(ids[only_first].tolist()),
        only_second_right=tuple(ids[only_second].tolist()),
    )


def _sentence(pair: PairComparison, count: int, split: str, num_pairs: int) -> str:
    first, second = pair.first, pair.second
    images = counted(count, f"{split} image")
    if pair.only_first_right_count + pair.only_second_right_count == 0:
        return (
            f"{first} and {second} classify exactly the same {split} images correctly ({count:,}): nothing sets them "
            "apart."
        )
    found = pair.accuracy_difference
    value, low, high = (100 * (each or 0.0) for each in (found.value, found.low, found.high))
    adjusted = f", adjusted for {num_pairs} pairs" if num_pairs > 1 else ""
    test = f"exact McNemar p {show_p(pair.adjusted_p_value)}{adjusted}"
    if pair.adjusted_p_value >= SIGNIFICANCE:
        return (
            f"The {images} {'does' if count == 1 else 'do'} not tell {first} and {second} apart: the difference is "
            f"{signed(value)} percentage points (95 % interval {signed(low)} to {signed(high)}; {test})."
            f"{_outlook(pair, count)}"
        )
    if value < 0:
        first, second, value, low, high = second, first, -value, -high, -low
    return (
        f"{first} is more accurate than {second} by {rounded(value, 2)} percentage points on {images} "
        f"(95 % interval {signed(low)} to {signed(high)}; {test})."
    )


def _outlook(pair: PairComparison, count: int) -> str:
    needed = pair.images_needed
    if not needed or needed <= count:  # so many, and more, did not tell: an estimate that is off says nothing
        return ""
    about = counted(int(float(f"{needed:.2g}")), "image")  # an estimate from an estimate: two digits say enough
    return f" If that is the true difference, it would take about {about} to see it with a chance of 80 %."
