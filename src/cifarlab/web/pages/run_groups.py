"""Runs that differ in the seed alone as one row: what a setting is worth beside what chance is."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from cifarlab.evaluation.comparison.seeds import common_name
from cifarlab.metrics.statistics.intervals import mean, mean_over_seeds
from cifarlab.utils.results import Interval
from cifarlab.utils.text import counted
from cifarlab.web.pages.run_summaries import RunSummary


@dataclass(frozen=True)
class Spread:
    """A number over the seeds of a group.

    Attributes:
        mean: With the 95 % interval of the mean; without one of a single run, or where a seed is there twice.
        deviation: Standard deviation of the runs; None of a single one.
        count: How many runs have the number.
    """

    mean: Interval
    deviation: float | None
    count: int


@dataclass(frozen=True)
class RunGroup:
    """Runs whose settings, data and labels are the same but for the seed.

    Means are over those that are finished: a training that was stopped is no training by these settings.
    """

    runs: tuple[RunSummary, ...]

    @property
    def first(self) -> RunSummary:
        """One whose settings, but for the seed, are those of all."""
        return self.runs[0]

    @property
    def name(self) -> str:
        """What the runs' names have in common."""
        return self.first.name if len(self.runs) == 1 else common_name([run.name for run in self.runs]) or "unnamed"

    @property
    def finished(self) -> list[RunSummary]:
        """Those that the means are over."""
        return [run for run in self.runs if run.state == "finished"]

    @property
    def note(self) -> str:
        """What a reader must know of the means; or empty."""
        left_out = len(self.runs) - len(self.finished)
        parts = [f"{counted(left_out, 'run')} not finished, left out of the means"] if left_out else []
        if self._repeats:
            parts.append("a seed is there twice: no interval")
        return "; ".join(parts)

    @property
    def accuracy(self) -> Spread | None:
        """On test."""
        return self._spread(lambda run: run.accuracy, mean_over_seeds)

    @property
    def loss(self) -> Spread | None:
        """On test."""
        return self._spread(lambda run: run.loss, _mean)

    @property
    def best(self) -> Spread | None:
        """On validation, of each run's best epoch."""
        return self._spread(lambda run: run.best and run.best[0], mean_over_seeds)

    @property
    def seconds(self) -> float | None:
        """Of a training, on the mean."""
        known = [run.seconds for run in self.finished if run.seconds is not None]
        return statistics.fmean(known) if known else None

    @property
    def _repeats(self) -> bool:
        seeds = [run.recipe.get("seed") for run in self.finished]
        return len(set(map(repr, seeds))) < len(seeds)

    def _spread(
        self, value: Callable[[RunSummary], float | None], average: Callable[[Sequence[float]], Interval]
    ) -> Spread | None:
        values = [found for run in self.finished if (found := value(run)) is not None]
        if not values:
            return None
        interval = average(values)
        if self._repeats:  # copies of a run say nothing about how far seeds lie apart
            interval = Interval(interval.value, None, None, "no interval: a seed is there twice")
        return Spread(interval, statistics.stdev(values) if len(values) > 1 else None, len(values))


def group_runs(summaries: Sequence[RunSummary]) -> list[RunGroup]:
    """Runs that are the same but for the seed together, in the order of their first ones, each group by seed."""
    groups: dict[str, list[RunSummary]] = {}
    for summary in summaries:
        # Of a run whose recipe or data are not known, nobody knows what it is the same as.
        known = summary.data and "recipe.json" not in summary.damaged
        groups.setdefault(summary.same_but_seed if known else f"run {summary.name}", []).append(summary)
    return [RunGroup(tuple(sorted(runs, key=_by_seed))) for runs in groups.values()]


def _by_seed(run: RunSummary) -> tuple[int, str]:
    seed = run.recipe.get("seed")
    return seed if isinstance(seed, int) else -1, run.name


def _mean(values: Sequence[float]) -> Interval:
    return mean(np.array(values, np.float64), what="seed")
