"""The user's own runs of the ladder's recipes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cifarlab.evaluation.ladder.measurements import Result, machine_of, read_result
from cifarlab.evaluation.ladder.rungs import Rung, is_training_of
from cifarlab.runs import Run, open_run
from cifarlab.utils.errors import CifarlabError


@dataclass(frozen=True)
class OwnRuns:
    """What a folder of runs says about the rungs, by their names.

    Attributes:
        results: Of those that were evaluated.
        not_evaluated: Paths of finished runs that have no scores on test.
    """

    results: dict[str, Result] = field(default_factory=dict)
    not_evaluated: dict[str, list[str]] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)


def find_own_runs(rungs: Sequence[Rung], runs_dir: Path | None) -> OwnRuns:
    """Read the finished runs that were trained with a rung's settings, whatever their folders are called.

    Of several trainings of one seed the last by name counts; where a rung was trained on several machines or in several
    precisions, those with most seeds, so that their times can be averaged.

    Args:
        rungs: Of the ladder.
        runs_dir: Folder of all runs; None for none.

    Raises:
        CifarlabError: If there is no such folder.
    """
    own = OwnRuns()
    if runs_dir is None:
        return own
    if not runs_dir.is_dir():
        raise CifarlabError(f"no folder {runs_dir}: give the folder of your runs as --runs-dir")
    evaluated: dict[str, list[Run]] = {}
    for file in sorted(runs_dir.glob("*/run.json")):
        try:
            _sort_in(open_run(file.parent), rungs, own, evaluated)
        except CifarlabError as error:
            own.notices.append(f"{file.parent} is left out: {error}.")
    own.results.update({name: read_result(_alike(runs)) for name, runs in evaluated.items()})
    return own


def _sort_in(run: Run, rungs: Sequence[Rung], own: OwnRuns, evaluated: dict[str, list[Run]]) -> None:
    recipe = run.recipe
    rung = next((rung for rung in rungs if is_training_of(recipe, rung.recipe)), None)
    if rung is None or run.state["state"] != "finished":
        return
    if run.labels_checksum:  # no settings of the recipe, and yet another training
        own.notices.append(f"{run.path} is left out: it learned by a labels file.")
        return
    if not run.scores_file("test").is_file():
        own.not_evaluated.setdefault(rung.name, []).append(str(run.path))
        return
    read_result([run])  # what is damaged is said of this run, and spoils no other
    evaluated.setdefault(rung.name, []).append(run)


def _alike(runs: Sequence[Run]) -> list[Run]:
    groups: dict[Any, dict[int, Run]] = {}
    for run in runs:
        kind = (repr(machine_of(run)), run.recipe.precision, run.scores().count)
        groups.setdefault(kind, {})[run.recipe.seed] = run
    most = max(groups.values(), key=len)
    return [most[seed] for seed in sorted(most)]
