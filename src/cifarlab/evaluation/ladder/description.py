"""The ladder: recipes one above the other, what was measured of each, and what each step gained."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cifarlab.evaluation.ladder import results
from cifarlab.evaluation.ladder.measurements import Result, gain, summarise
from cifarlab.evaluation.ladder.own_runs import find_own_runs
from cifarlab.evaluation.ladder.rungs import Rung, changes, find_rungs, rung_below
from cifarlab.utils.files import plain

FORMAT = 1


def describe_ladder(
    recipes: Sequence[str] = (), *, runs_dir: Path | None = None, kept: Path = results.FILE
) -> dict[str, Any]:
    """The whole ladder: what each rung is, and what was measured of it, here and in the user's own runs.

    Args:
        recipes: Names, or paths of a user's own files, in their order; by default `dense1`, `dense2`, ... and after
            them those named `dense_<word>`.
        runs_dir: Folder of the user's own runs; None for none.
        kept: What `benchmarks/ladder.py` wrote of measured runs.

    Returns:
        Ready for JSON: `format`; `notices`: sentences about runs that could not be read; `rungs`, each with `name`,
        `title`, `expected`, `reason` (why it does not count for the record; empty where it does), `below` (the rung
        that it is held against, or None), `changes` from that one (`setting`, `before`, `after`), `commands` that
        measure it, `result` and `own` (see `measurements.summarise`, and `gain`, an interval or None; or None where
        nothing was measured), `not_evaluated` (own runs that wait for `cifarlab evaluate`).

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
        results_of = {"result": _measured(rung, below, here), "own": _measured(rung, below, own)}
        waiting = theirs.not_evaluated.get(rung.name, [])
        described.append({**_describe(rung, below), **results_of, "not_evaluated": waiting})
    return {"format": FORMAT, "notices": theirs.notices, "rungs": described}


def _with_work(own: Result, here: Result | None) -> Result:
    """A training of the same settings takes the same operations, wherever it runs."""
    return own if here is None else dataclasses.replace(own, petaflop=here.petaflop)


def _describe(rung: Rung, below: Rung | None) -> dict[str, Any]:
    # Settings stay as the recipe has them, tuples too: a table shows them as a recipe is written.
    changed = [dataclasses.asdict(change) for change in changes(below.recipe, rung.recipe)] if below else []
    said = {"name": rung.name, "title": rung.title, "expected": rung.expected, "reason": rung.reason}
    usual = [f"cifarlab train {rung.source}", f"cifarlab evaluate runs/{rung.name}-seed*"]
    return {**said, "below": below and below.name, "changes": changed, "commands": list(rung.commands) or usual}


def _measured(rung: Rung, below: Rung | None, by_name: Mapping[str, Result]) -> dict[str, Any] | None:
    result = by_name.get(rung.name)
    if result is None:
        return None
    before = by_name.get(below.name) if below else None
    gained = None if before is None else gain(result, before)
    return plain({**summarise(result), "gain": gained})
