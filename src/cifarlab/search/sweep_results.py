"""What a sweep found: a row a combination, each compared with the first, seed by seed."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cifarlab.metrics.statistics.intervals import mean_over_seeds, undefined
from cifarlab.metrics.statistics.significance import SIGNIFICANCE, holm, mean_difference, show_p, t_test
from cifarlab.search.space import Settings
from cifarlab.utils.results import Interval
from cifarlab.utils.text import counted, signed

FORMAT = 1


@dataclass(frozen=True)
class SweepRun:
    """A training of a sweep.

    Attributes:
        seed: Its seed.
        path: Its run's folder.
        accuracy: On the validation images, of its best epoch; None if it failed.
        reason: Why it failed.
        is_new: Whether it was trained now, and not there already.
    """

    seed: int
    path: Path
    accuracy: float | None
    reason: str = ""
    is_new: bool = True


@dataclass(frozen=True)
class SweepRow:
    """A combination: a recipe with some settings.

    Attributes:
        recipe: The recipe's name.
        settings: What is swept, by key.
        runs: One a seed.
        accuracy: Mean validation accuracy over the seeds that did not fail, with Student's t interval.
        difference: To the first row, seed by seed; None in the first row.
        p_value: Of no difference, by a paired t test; None where there is none.
        adjusted_p_value: By Holm, for the number of rows compared.
    """

    recipe: str
    settings: Settings
    runs: tuple[SweepRun, ...]
    accuracy: Interval
    difference: Interval | None = None
    p_value: float | None = None
    adjusted_p_value: float | None = None

    @property
    def label(self) -> str:
        """For people."""
        return ", ".join([Path(self.recipe).stem, *(f"{key}={text}" for key, text in self.settings.items())])


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """What a sweep found.

    Attributes:
        path: Its folder.
        about: What was swept: recipes, over, settings, data, and the command.
        images: How many validation images the accuracies are of.
        rows: One a combination, in the order in which they were given.
        sentence: Which of them are told apart from the first.
    """

    format: int = FORMAT
    path: Path
    about: Mapping[str, object]
    images: int
    rows: tuple[SweepRow, ...]
    sentence: str = ""

    @property
    def failed(self) -> list[tuple[SweepRow, SweepRun]]:
        """The trainings that failed."""
        return [(row, run) for row in self.rows for run in row.runs if run.accuracy is None]

    @property
    def trained(self) -> int:
        """How many trainings were not there already."""
        return sum(run.is_new for row in self.rows for run in row.runs)


def make_row(recipe: str, settings: Settings, runs: Sequence[SweepRun]) -> SweepRow:
    """A row before it is compared."""
    return SweepRow(recipe, settings, tuple(runs), mean_over_seeds(list(_by_seed(runs).values())))


def compare_to_first(rows: Sequence[SweepRow]) -> list[SweepRow]:
    """Every row with its difference to the first, over the seeds that failed in neither."""
    first = _by_seed(rows[0].runs)
    compared = []
    for row in rows[1:]:
        own = _by_seed(row.runs)
        interval, p_value = paired([own[seed] - first[seed] for seed in own if seed in first])
        compared.append(replace(row, difference=interval, p_value=p_value))
    tested = [index for index, row in enumerate(compared) if row.p_value is not None]
    adjusted = holm([compared[index].p_value or 0.0 for index in tested])
    for index, p_value in zip(tested, adjusted, strict=True):
        compared[index] = replace(compared[index], adjusted_p_value=p_value)
    return [rows[0], *compared]


def paired(differences: Sequence[float]) -> tuple[Interval, float | None]:
    """The mean of differences seed by seed, with its interval, and the p value of none at all.

    Args:
        differences: Any number; one alone has neither interval nor p value, nor have several that are all the same.
    """
    if not differences:
        return undefined("no seed that neither failed in"), None
    if len(differences) == 1:
        return Interval(differences[0], None, None, "no interval from one seed"), None
    interval = mean_difference(differences)
    p_value = None if interval.low is None else t_test(differences)
    return interval, p_value


def summarise_rows(rows: Sequence[SweepRow]) -> str:
    """Which rows are told apart from the first, in a sentence."""
    if len(rows) < 2:
        return ""
    first, others = rows[0], rows[1:]
    told = [row for row in others if row.adjusted_p_value is not None and row.adjusted_p_value < SIGNIFICANCE]
    tested = sum(row.p_value is not None for row in others)
    if not tested:
        return f"Nothing can be told apart from {first.label}: it takes at least two seeds that differ."
    by_holm = f"; p by Holm for {counted(tested, 'comparison')}" if tested > 1 else ""
    if not told:
        seeds = counted(max(len(row.runs) for row in rows), "seed")
        return f"{seeds} tell no combination apart from {first.label}{by_holm}."
    ordered = sorted(told, key=lambda row: -_value(row))
    parts = []
    for is_better, members in itertools.groupby(ordered, key=lambda row: _value(row) > 0):
        names = "; ".join(f"{row.label} ({_points(row)}, p {show_p(row.adjusted_p_value or 0.0)})" for row in members)
        parts.append(f"{'More' if is_better else 'Less'} accurate than {first.label}: {names}")
    return f"{'. '.join(parts)}{by_holm}."


def _points(row: SweepRow) -> str:
    return f"{signed(100 * _value(row))} points"


def _value(row: SweepRow) -> float:
    return 0.0 if row.difference is None or row.difference.value is None else row.difference.value


def _by_seed(runs: Sequence[SweepRun]) -> dict[int, float]:
    return {run.seed: run.accuracy for run in runs if run.accuracy is not None}
