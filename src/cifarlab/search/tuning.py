"""`tune`: from a recipe and a budget to a recipe that was found, and what may be said of it."""

import dataclasses
import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cifarlab.datasets import SPLITS, Splits
from cifarlab.recipes import Recipe, allow_own_code, load_recipe, override
from cifarlab.runs.predictions import Predictions
from cifarlab.search import exports
from cifarlab.search.confirmation import CANDIDATES, FRESH_SEED, Verdict, judge
from cifarlab.search.observer import Silent, TuningObserver
from cifarlab.search.rounds import Outcome, Trial, search
from cifarlab.search.space import Settings, Space
from cifarlab.search.study import Rules, Study, begin_study
from cifarlab.search.tasks import CONFIRMATION, FAILED, Task
from cifarlab.search.workers import LocalWorkers, Workers
from cifarlab.training.plan import check_recipe
from cifarlab.utils import files
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.files import plain

CONFIRM = 0.1
KEPT_FILES = ("run.json", "recipe.json", "environment.json", "data.json", "command.txt", "history.csv")
"""What stays of a trial that is not among the best."""


@dataclass(frozen=True)
class Tuned:
    """What came of a search.

    Attributes:
        study: Its folder.
        trials: All, by number.
        best: The trial whose settings are in `best.py`; None if every trial failed.
        verdict: Whether its recipe is better; None without confirmation.
    """

    study: Study
    trials: tuple[Trial, ...]
    best: Trial | None
    verdict: Verdict | None


def tune(
    recipe: str | Recipe,
    space: Space,
    rules: Rules | None = None,
    *,
    fixed: Sequence[str] = (),
    confirm: float = CONFIRM,
    max_minutes: float | None = None,
    keep: int = 5,
    jobs: int | None = None,
    max_trial_minutes: float | None = None,
    name: str | None = None,
    studies_dir: str | Path = "studies",
    data_dir: str | Path | None = None,
    code: Sequence[str | os.PathLike[str]] = (),
    storage: str | None = None,
    show: TuningObserver | None = None,
    workers: Workers | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Tuned:
    """Search for better settings of a recipe, and say whether those found are better.

    A study goes on where it was: give the same arguments again.

    Args:
        recipe: Its name, a file with one, or a Recipe.
        space: What may vary, see `make_space`.
        rules: By which rules.
        fixed: Settings such as `"data=digits"`, the same for every trial and for the recipe as shipped.
        confirm: Share of the training images that no trial sees; 0 for no confirmation.
        max_minutes: Begin no further round after so long.
        keep: Of how many trials the weights are kept.
        jobs: How many processes train; by default as many as there are cores for.
        max_trial_minutes: The most that one training may take.
        name: The study's; by default the recipe's.
        studies_dir: Folder of all studies.
        data_dir: Where the data are.
        code: The user's own Python files that the recipe may name.
        storage: A database for Optuna instead of the journal.
        show: Told how far it is.
        workers: Who trains; by default processes of this machine.
        clock: Tells seconds.

    Raises:
        CifarlabError: If any of these is wrong, the study of that name is another one, the data cannot be had, ten
            trials in a row fail, or files cannot be written.
    """
    rules, show = rules or Rules(), show or Silent()
    base = Path(recipe if isinstance(recipe, str) else recipe.model).stem
    varied = prepare(recipe, rules, fixed, confirm, code)
    splits = _load(varied, data_dir)
    study = begin_study(Path(studies_dir), name or base, varied, space, rules, _describe(splits), show.command)
    job_count = jobs or max(1, (_cores() // rules.threads))
    local = LocalWorkers(job_count, rules.threads, None if max_trial_minutes is None else 60 * max_trial_minutes)
    with study.writing() as writes, workers or local as crew:
        searcher = _Searcher(
            study, rules, crew, show, None if data_dir is None else str(data_dir), tuple(map(str, code))
        )
        show.begin(study, splits, job_count)
        ends = None if max_minutes is None else clock() + 60 * max_minutes
        trials: list[Trial] = []
        for members in search(
            study.recipe,
            space,
            searcher.evaluate,
            trials=rules.trials,
            epochs=rules.epochs,
            sampler=rules.sampler,
            pruner=rules.pruner,
            seed=rules.seed,
            known=study.known,
        ):
            trials += members
            show.round(trials)
            if writes:
                exports.write_trials(study, trials)
                exports.write_journal(study, trials, storage)
                _thin(study, trials, rules, keep)
            if ends is not None and clock() >= ends:
                break
        leaders = best_of(trials)
        verdict = searcher.confirm(base, leaders[:CANDIDATES], splits) if confirm and leaders else None
        best = _chosen(leaders, verdict)
        if writes and best:
            found = dataclasses.replace(study.recipe_of(best.settings), confirmation_fraction=0.0)
            exports.write_best(study, found, verdict, best, base)
            if verdict:
                files.write_json(study.verdict_file, plain({"verdict": verdict})["verdict"])
    tuned = Tuned(study, tuple(trials), best, verdict)
    show.end(tuned)
    return tuned


def prepare(
    recipe: str | Recipe,
    rules: Rules,
    fixed: Sequence[str] = (),
    confirm: float = CONFIRM,
    code: Sequence[str | os.PathLike[str]] = (),
) -> Recipe:
    """The recipe that a study varies, checked before any data are read.

    Raises:
        CifarlabError: If it cannot be had, or its trials could not be compared.
    """
    shipped = override(load_recipe(recipe) if isinstance(recipe, str) else recipe, fixed)
    allow_own_code(shipped, code)
    check_recipe(shipped)
    if not shipped.validation_fraction:
        raise CifarlabError("trials are compared on validation images: --fix validation_fraction=0.1")
    return dataclasses.replace(shipped, epochs=rules.epochs, confirmation_fraction=confirm)


def best_of(trials: Sequence[Trial]) -> list[Trial]:
    """Those that were trained to the end, from the best score on."""
    return sorted((t for t in trials if t.state == "complete"), key=lambda t: (-(t.score or 0.0), t.number))


class _Searcher:
    """Has trials trained, and reads what came of them from their files."""

    def __init__(
        self,
        study: Study,
        rules: Rules,
        crew: Workers,
        show: TuningObserver,
        data_dir: str | None,
        code: tuple[str, ...],
    ) -> None:
        self._study, self._rules, self._crew, self._show = study, rules, crew, show
        self._data_dir, self._code = data_dir, code

    def evaluate(self, trials: Sequence[Trial], epochs: int) -> list[Outcome]:
        """Train trials up to an epoch; see `rounds.Evaluate`."""
        for trial in trials:
            if self._study.known(trial.number) is None:
                self._study.remember(trial)
        tasks = {trial.number: self._tasks(trial, epochs) for trial in trials if not self._failed(trial, epochs)}
        self._show.racing(trials, epochs)
        answers = self._crew.run([task for each in tasks.values() for task in each], self._show.tick)
        for trial in trials:
            reasons = [answers[task].reason for task in tasks.get(trial.number, ()) if answers[task].ended == FAILED]
            if reasons:
                self._study.remember(trial, (epochs, reasons[0]))
        return [self._outcome(trial, epochs) for trial in trials]

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
            rows = task.run.history()[:epochs]
            scores.append(max(row["validation_accuracy"] for row in rows))
        return Outcome(sum(scores) / len(scores))

    def confirm(self, base: str, leaders: Sequence[Trial], splits: Splits) -> Verdict | None:
        """Train the best settings and the recipe as shipped anew, and judge them on the confirmation part."""
        found = {f"trial{trial.number:04d}": trial.settings for trial in leaders if trial.settings}
        if not found or splits.confirmation is None:
            return None  # the recipe as shipped led: there is nothing to confirm
        self._show.confirming(found)
        tasks = {
            label: [self._confirmation_task(label, settings, seed) for seed in self._fresh_seeds()]
            for label, settings in {"shipped": {}, **found}.items()
        }
        answers = self._crew.run([task for each in tasks.values() for task in each], self._show.tick)
        for task, answer in answers.items():
            if answer.ended == FAILED:
                raise CifarlabError(f"the confirmation's training {task.folder} failed: {answer.reason}")
        said = {
            label: [Predictions.load(task.run.predictions_file(CONFIRMATION)) for task in each]
            for label, each in tasks.items()
        }
        candidates = [
            (trial.number, trial.settings, trial.score or 0.0, said[f"trial{trial.number:04d}"])
            for trial in leaders
            if trial.settings
        ]
        return judge(base, candidates, said["shipped"], self._rules.epochs)

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


def _chosen(leaders: Sequence[Trial], verdict: Verdict | None) -> Trial | None:
    """The best on the confirmation part, where there was one; else the best score."""
    if verdict is None:
        return leaders[0] if leaders else None
    return next(trial for trial in leaders if trial.number == verdict.candidates[0].trial)


def _thin(study: Study, trials: Sequence[Trial], rules: Rules, keep: int) -> None:
    """Remove the weights of all but the best trials: of most, nobody asks for them, and they would fill the disk."""
    spared = {trial.number for trial in best_of(trials)[:keep]}
    for trial in trials:
        for seed in range(study.recipe.seed, study.recipe.seed + rules.seeds_per_trial):
            folder = study.trial_run(trial.number, seed).path
            if trial.number in spared or not folder.is_dir():
                continue
            for path in folder.iterdir():
                if path.name not in KEPT_FILES:
                    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def _load(recipe: Recipe, data_dir: str | Path | None) -> Splits:
    from cifarlab.datasets import load_data

    return load_data(recipe.data, data_dir=data_dir, **recipe.held_out)


def _describe(splits: Splits) -> Mapping[str, object]:
    """Name, and fingerprints of what is trained on, compared on and confirmed on; the test images are not touched."""
    parts = {split: splits[split].fingerprint for split in SPLITS if split != "test"}
    confirmation = {} if splits.confirmation is None else {"confirmation": splits.confirmation.fingerprint}
    counts = {split: len(splits[split]) for split in parts}
    return {
        "name": splits.source.name,
        **{f"{key} fingerprint": each for key, each in {**parts, **confirmation}.items()},
        **counts,
    }


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
