"""Writes a study's own files, where this process is the one that does, and removes what nobody asks for."""

import dataclasses
import shutil
from collections.abc import Callable, Sequence

from cifarlab.runs import Run
from cifarlab.search import exports
from cifarlab.search.confirmation import Verdict
from cifarlab.search.rounds import Trial, best_of
from cifarlab.search.rules import Rules
from cifarlab.search.study import Study
from cifarlab.utils import files

KEPT_FILES = ("run.json", "recipe.json", "environment.json", "data.json", "command.txt", "history.csv")
"""What stays of a trial that is not among the best."""


class Writer:
    """The pen of a study.

    Args:
        study: Whose files.
        rules: By which rules this process searches.
        holds_pen: Whether this process is the one that writes, see `Study.writing`.
        storage: A database for Optuna instead of the journal.
        keep: Of how many trials the weights are kept.
    """

    def __init__(
        self, study: Study, rules: Rules, holds_pen: Callable[[], bool], storage: str | None, keep: int
    ) -> None:
        self._study, self._rules, self._holds_pen, self._storage, self._keep = study, rules, holds_pen, storage, keep

    def write_round(self, trials: Sequence[Trial]) -> None:
        """Write what has been judged; a study that goes on first judges again what is written already, and is silent.

        Args:
            trials: All so far, in the order in which they were judged.
        """
        if not self._may_write():
            return
        written = exports.count_trials(self._study)
        if len(trials) < written:
            return
        if len(trials) > written:
            self._study.verdict_file.unlink(missing_ok=True)  # it was about fewer trials
        exports.write_trials(self._study, trials)
        exports.write_journal(self._study, trials, self._storage)
        self._thin(trials)

    def write_result(self, trials: Sequence[Trial], base: str, best: Trial | None, verdict: Verdict | None) -> None:
        """Write what was found.

        Args:
            trials: All, in the order in which they were judged.
            base: The recipe's name that was varied.
            best: Whose settings are the recipe that was found; None if every trial failed.
            verdict: None without confirmation.
        """
        if not self._may_write():
            return
        study = self._study
        exports.write_trials(study, trials)
        exports.write_journal(study, trials, self._storage)
        self._drop_checkpoints()
        if best is None:
            return
        found = dataclasses.replace(study.recipe_of(best.settings), confirmation_fraction=0.0)
        exports.write_best(study, found, verdict, best, base)
        if verdict is not None:
            files.write_json(study.verdict_file, verdict)

    def _may_write(self) -> bool:
        """Whether this process writes, and no other has given the study more trials since this one began."""
        return self._holds_pen() and self._study.rules == self._rules

    def _thin(self, trials: Sequence[Trial]) -> None:
        """Remove the weights of all but the best trials: nobody asks for most, and they would fill the disk."""
        spared = {trial.number for trial in best_of(trials)[: self._keep]}
        first = self._study.recipe.seed
        for trial in trials:
            for seed in range(first, first + self._rules.seeds_per_trial):
                folder = self._study.trial_run(trial.number, seed).path
                if trial.number in spared or not folder.is_dir():
                    continue
                for path in folder.iterdir():
                    if path.name not in KEPT_FILES:
                        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)

    def _drop_checkpoints(self) -> None:
        """Of what is trained to its end only the model and its answers are wanted."""
        for path in self._study.path.glob("confirmation/*/checkpoint*.npz"):
            if Run(path.parent).state["state"] == "finished":
                path.unlink()
