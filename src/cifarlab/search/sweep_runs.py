"""Which run is a combination's with one seed: one that is there, trained the same way on the same data; or a new one.

Another run that happens to have the name is never touched: the new one gets a number.
"""

import dataclasses
import itertools
import re
from collections.abc import Mapping
from pathlib import Path

from cifarlab.recipes import Recipe
from cifarlab.runs import Run, kept_code
from cifarlab.search.tasks import lock_of
from cifarlab.utils.errors import CifarlabError


class RunFinder:
    """Finds the folders of a sweep's runs among all that are there.

    Args:
        runs_dir: Folder of all runs.
        fingerprints: Of each split's images, as a run's `data.json` has them.
        given: The runs that were found so far; finders of several data share it, so that none is found twice.
    """

    def __init__(self, runs_dir: Path, fingerprints: Mapping[str, str], given: set[Path] | None = None) -> None:
        self._runs_dir, self._fingerprints = runs_dir, dict(fingerprints)
        self._there: list[tuple[Run, Recipe]] = []
        for file in sorted(runs_dir.glob("*/recipe.json")):
            run = Run(file.parent)
            if (recipe := self._read(run)) is not None:
                self._there.append((run, recipe))
        self._given = set() if given is None else given

    def find(self, recipe: Recipe, name: str, *, so_named: str | None = None) -> Run:
        """The run of a recipe: a finished one, else one that can go on, else a new one's folder.

        Args:
            recipe: With its seed.
            name: What a new run is called, where nothing else is.
            so_named: What a run that is there must be called, perhaps with a number; None for anything.
        """
        same = [run for run, each in self._there if is_same(each, recipe)]
        if so_named is not None:  # folds have two numbers where their names were taken; the first one's once had none
            same = [run for run in same if re.fullmatch(rf"{re.escape(so_named)}(-\d+){{0,2}}", run.name)]
        ready = [run for run in same if run.state["state"] == "finished"]
        begun = [run for run in same if _was_made_by_a_worker(run) or _can_go_on(run)]
        run = next((each for each in (*ready, *begun) if each.path not in self._given), None) or self._new(name)
        self._given.add(run.path)
        return run

    def _new(self, name: str) -> Run:
        for number in itertools.count(1):
            run = Run(self._runs_dir / (name if number == 1 else f"{name}-{number}"))
            # A worker was killed while it made the folder: its last file is not there, and it is made anew.
            is_half_made = not run.command_file.is_file() and _was_made_by_a_worker(run)
            if run.path not in self._given and (not run.path.exists() or is_half_made):
                break
        return run

    def _read(self, run: Run) -> Recipe | None:
        """The recipe; None where the run is damaged, of another version, of other data, or its code has changed."""
        try:
            if run.data.get("fingerprints") != self._fingerprints:
                return None
            recipe, _ = run.recipe, run.state
            kept_code.check_code(run, "")
        except (CifarlabError, OSError):
            return None
        return recipe


def is_same(stored: Recipe, wanted: Recipe) -> bool:
    """Whether a run's recipe is the one wanted; `precision="auto"` was resolved when it began."""
    if wanted.precision == "auto":
        stored = dataclasses.replace(stored, precision="auto")
    return stored == wanted


def _can_go_on(run: Run) -> bool:
    """Whether it was stopped, and is not what another command trains, which holds no lock of a worker's."""
    return run.has_checkpoint() and not run.is_being_trained()


def _was_made_by_a_worker(run: Run) -> bool:
    """Whether there is the lock that a worker holds while it trains: only then may a half-made run be made anew."""
    return lock_of(run.path).is_file()
