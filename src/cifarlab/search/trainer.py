"""Has a study's trials trained, and reads what came of them from their files."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from cifarlab.datasets import Splits
from cifarlab.runs import Run
from cifarlab.runs.predictions import Predictions
from cifarlab.search.confirmation import FRESH_SEED, Verdict, judge
from cifarlab.search.observer import TuningObserver
from cifarlab.search.rounds import Outcome, Trial
from cifarlab.search.rules import Rules
from cifarlab.search.space import Settings
from cifarlab.search.study import Study
from cifarlab.search.tasks import CONFIRMATION, FAILED, Answer, Task
from cifarlab.search.workers import Workers
from cifarlab.utils.best_epoch import best_accuracy
from cifarlab.utils.errors import CifarlabError


class Trainer:
    """The hands of a search.

    Args:
        study: Whose trials.
        rules: By which rules.
        crew: Who trains.
        show: Told what is trained.
        data_dir: Where the data are.
        code: The user's own Python files that the recipe may name.
    """

    def __init__(
        self,
        study: Study,
        rules: Rules,
        crew: Workers,
        show: TuningObserver,
        data_dir: str | Path | None,
        code: Sequence[str | os.PathLike[str]],
    ) -> None:
        self._study, self._rules, self._crew, self._show = study, rules, crew, show
        self._data_dir = None if data_dir is None else str(data_dir)
        self._code = tuple(map(str, code))

    def evaluate(self, trials: Sequence[Trial], epochs: int) -> list[Outcome]:
        """Train trials up to an epoch; see `rounds.Evaluate`."""
        tasks = {trial.number: self.begin(trial, epochs) for trial in trials}
        title = f"round {trials[0].round + 1}" if trials else ""
        since = max((trial.epochs for trial in trials), default=0)
        labels = {f"trial {number}": each for number, each in tasks.items() if each}
        answers = self._run(title, labels, since, epochs)
        return [self.settle(trial, epochs, [answers[task] for task in tasks[trial.number]]) for trial in trials]

    def begin(self, trial: Trial, epochs: int) -> list[Task]:
        """Write down a trial; what is to be done, a piece a seed: nothing where it has failed before."""
        if self._study.known(trial.number) is None:
            self._study.remember(trial)
        return [] if self._failed(trial, epochs) else self._tasks(trial, epochs)

    def settle(self, trial: Trial, epochs: int, answers: Sequence[Answer]) -> Outcome:
        """What came of training a trial; why it failed is written down."""
        reasons = [answer.reason for answer in answers if answer.ended == FAILED]
        if reasons:
            self._study.remember(trial, (epochs, reasons[0]))
        return self._outcome(trial, epochs)

    def outcome_before(self, trial: Trial, epochs: int) -> Outcome | None:
        """What came of training a trial before; None where it is to be trained."""
        is_known = self._failed(trial, epochs) or all(task.is_trained() for task in self._tasks(trial, epochs))
        return self._outcome(trial, epochs) if is_known else None

    def _failed(self, trial: Trial, epochs: int) -> str:
        failed = self._study.failure(trial.number)
        return failed[1] if failed and failed[0] <= epochs else ""

    def _tasks(self, trial: Trial, epochs: int) -> list[Task]:
        first = self._study.recipe.seed
        return [
            Task(
                self._study.trial_run(trial.number, seed).path,
                self._study.recipe_of(trial.settings, seed),
                epochs,
                self._data_dir,
                self._code,
            )
            for seed in range(first, first + self._rules.seeds_per_trial)
        ]

    def _outcome(self, trial: Trial, epochs: int) -> Outcome:
        if reason := self._failed(trial, epochs):
            return Outcome(None, reason)
        scores = []
        for task in self._tasks(trial, epochs):
            scores.append(best_accuracy(task.run.history()[:epochs]))
        return Outcome(sum(scores) / len(scores))

    def confirm(self, base: str, leaders: Sequence[Trial], splits: Splits) -> Verdict | None:
        """Train the best settings and the recipe as shipped anew, and judge them on the confirmation part."""
        found = {f"trial{trial.number:04d}": trial.settings for trial in leaders if trial.settings}
        if not found or splits.confirmation is None:
            return None  # nothing but the recipe as shipped came to its end: there is nothing to confirm
        tasks = {
            label: [self._confirmation_task(label, settings, seed) for seed in self._fresh_seeds()]
            for label, settings in {"shipped": {}, **found}.items()
        }
        answers = self._run("confirmation", tasks, 0, self._rules.epochs)
        # Settings that fail with a fresh seed are no candidate any more; the others are still judged.
        said = {
            label: [Predictions.load(task.run.predictions_file(CONFIRMATION)) for task in each]
            for label, each in tasks.items()
            if all(answers[task].ended != FAILED for task in each)
        }
        if "shipped" not in said:
            reason = next(answers[task].reason for task in tasks["shipped"] if answers[task].ended == FAILED)
            raise CifarlabError(f"the recipe as shipped failed in the confirmation: {reason}")
        candidates = [
            (trial.number, trial.settings, trial.score or 0.0, said[label])
            for trial in leaders
            if (label := f"trial{trial.number:04d}") in said
        ]
        leader = leaders[0].number, leaders[0].score or 0.0
        return judge(base, candidates, said["shipped"], self._rules.epochs, leader) if candidates else None

    def _run(self, title: str, tasks: Mapping[str, Sequence[Task]], since: int, until: int) -> dict[Task, Answer]:
        self._show.race(title, name_runs(tasks), since, until)
        return self._crew.run([task for each in tasks.values() for task in each], self._show.tick)

    def _fresh_seeds(self) -> range:
        first = FRESH_SEED + self._study.recipe.seed
        return range(first, first + self._rules.confirm_seeds)

    def _confirmation_task(self, label: str, settings: Settings, seed: int) -> Task:
        return Task(
            self._study.confirmation_run(label, seed).path,
            self._study.recipe_of(settings, seed),
            self._rules.epochs,
            self._data_dir,
            self._code,
            confirm=True,
        )


def name_runs(tasks: Mapping[str, Sequence[Task]]) -> dict[str, Run]:
    """The runs of these tasks, by what to call them: a label, with the seed where it has several."""
    return {
        label if len(each) == 1 else f"{label}, seed {task.recipe.seed}": task.run
        for label, each in tasks.items()
        for task in each
    }
