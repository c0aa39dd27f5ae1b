"""The ladder: recipes one above the other, what was measured of each, and what each step gained."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cifarlab.evaluation.ladder import results
from cifarlab.evaluation.ladder.measurements import Result, Summary, summarise
from cifarlab.evaluation.ladder.own_runs import find_own_runs
from cifarlab.evaluation.ladder.rungs import Change, Rung, changes, find_rungs, rung_below

FORMAT = 1


@dataclass(frozen=True)
class MeasuredRung:
    """A rung, and what was measured of it.

    Attributes:
        name: The recipe's; with title, expected and reason as in `Rung`.
        below: The rung that it is held against; None for the first.
        changes: From that one.
        commands: That measure it.
        result: Measured here; None where nothing was.
        own: In the user's own runs; likewise.
        not_evaluated: Own runs that wait for `cifarlab evaluate`.
    """

    name: str
    title: str
    expected: str
    reason: str
    below: str | None
    changes: list[Change]
    commands: list[str]
    result: Summary | None
    own: Summary | None
    not_evaluated: list[str]

    @property
    def results(self) -> dict[str, Summary]:
        """What there is, under `result` and `own`."""
        return {name: each for name, each in (("result", self.result), ("own", self.own)) if each is not None}


@dataclass(frozen=True)
class Ladder:
    """The rungs in their order, and sentences about runs that could not be read."""

    format: int
    notices: list[str]
    rungs: list[MeasuredRung]


def describe_ladder(recipes: Sequence[str] = (), *, runs_dir: Path | None = None, kept: Path = results.FILE) -> Ladder:
    """The whole ladder: what each rung is, and what was measured of it, here and in the user's own runs.

    Args:
        recipes: Names, or paths of a user's own files, in their order; by default `dense1`, `dense2`, ... and after
            them those named `dense_<word>`.
        runs_dir: Folder of the user's own runs; None for none.
        kept: What `benchmarks/ladder.py` wrote of measured runs.

    Raises:
        CifarlabError: If there is no such recipe, or what is kept is damaged.
    """
    rungs = find_rungs(recipes)
    measured = results.load_results(kept)
    here = {rung.name: found for rung in rungs if (found := measured.of(rung)) is not None}
    theirs = find_own_runs(rungs, runs_dir)
    own = {name: _with_work(result, here.get(name)) for name, result in theirs.results.items()}
    described = []
    for rung in rungs:
        below = rung_below(rung, rungs)
        described.append(
            MeasuredRung(
                rung.name,
                rung.title,
                rung.expected,
                rung.reason,
                below=None if below is None else below.name,
                # Settings stay as the recipe has them, tuples too: a table shows them as a recipe is written.
                changes=changes(below.recipe, rung.recipe) if below else [],
                commands=list(rung.commands)
                or [f"cifarlab train {rung.source}", f"cifarlab evaluate runs/{rung.name}-seed*"],
                result=_measured(rung, below, here),
                own=_measured(rung, below, own),
                not_evaluated=theirs.not_evaluated.get(rung.name, []),
            )
        )
    return Ladder(FORMAT, theirs.notices, described)


def _with_work(own: Result, here: Result | None) -> Result:
    """A training of the same settings takes the same operations, wherever it runs."""
    return own if here is None else dataclasses.replace(own, petaflop=here.petaflop)


def _measured(rung: Rung, below: Rung | None, by_name: Mapping[str, Result]) -> Summary | None:
    result = by_name.get(rung.name)
    return None if result is None else summarise(result, by_name.get(below.name) if below else None)
