"""Runs that differ in the seed alone, or have one value of a setting, as one row: what it is worth beside chance."""

import re
import statistics
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

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
    """Runs whose settings, data and labels are the same but for the seed; or those with one value of a setting.

    Means are over those that are finished: a training that was stopped is no training by these settings.

    Attributes:
        value: The setting and its value; empty where the runs differ in the seed alone.
    """

    runs: tuple[RunSummary, ...]
    value: str = ""

    @property
    def name(self) -> str:
        """What most of its runs are called without the seed, what their names begin with, or their network's name."""
        return self.value or _name([run.name for run in self.runs]) or self.runs[0].model or "unnamed"

    def shared(self, value: Callable[[RunSummary], Any]) -> Any:
        """What the runs have in common; where they differ, as in the seed, all that there is."""
        values = {str(found): found for found in map(value, self.runs)}
        return next(iter(values.values())) if len(values) == 1 else ", ".join(values)

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
        if len({run.data for run in self.finished}) > 1:
            parts.append("trained on different data: filter by one of them")
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
        if self.value:  # they differ in other settings
            return False
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


def group_by(summaries: Sequence[RunSummary], setting: str) -> list[RunGroup]:
    """Runs with the same value of a setting together, whatever their other settings; those without it are left out."""
    groups: dict[str, list[RunSummary]] = {}
    for summary in summaries:
        if setting in summary.recipe:
            groups.setdefault(summary.written[setting], []).append(summary)
    return [RunGroup(tuple(runs), f"{setting} = {runs[0].recipe[setting]}") for runs in groups.values()]


def _name(names: Sequence[str]) -> str:
    """Of runs of several seeds, whichever of them were renamed; perhaps nothing."""
    if len(names) == 1:
        return names[0]
    ((most, count),) = Counter(re.sub(r"[-_.]?(seed)?[-_.]?\d+$", "", name) for name in names).most_common(1)
    if most and 2 * count > len(names):
        return most
    common = common_name(names)
    # Letters that a renamed run happens to begin with are no name.
    is_word = common and all(re.match(r"[-_.\d]|seed|$", name[len(common) :]) for name in names)
    return common if is_word else ""


def _by_seed(run: RunSummary) -> tuple[int, str]:
    seed = run.recipe.get("seed")
    return seed if isinstance(seed, int) else -1, run.name


def _mean(values: Sequence[float]) -> Interval:
    return mean(np.array(values, np.float64), what="seed")
