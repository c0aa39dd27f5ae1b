"""`tune`: from a recipe and a budget to a recipe that was found, and what may be said of it."""

import collections
import dataclasses
import importlib.util
import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cifarlab.datasets import SPLITS, Splits
from cifarlab.recipes import Recipe
from cifarlab.runs import Run
from cifarlab.search import exports
from cifarlab.search.confirmation import CANDIDATES, Verdict
from cifarlab.search.observer import TuningObserver, choose_observer
from cifarlab.search.planning import CONFIRM, Plan, default_epochs, plan_study, prepare
from cifarlab.search.rounds import Trial, best_of, search
from cifarlab.search.rules import Rules
from cifarlab.search.space import Space, choose_space
from cifarlab.search.study import Study, begin_study
from cifarlab.search.trainer import Trainer
from cifarlab.search.workers import Workers, make_local_workers
from cifarlab.utils import files, own_code
from cifarlab.utils.environment import find_backend
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.text import counted, percent

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
    space: Space | None = None,
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
    show: TuningObserver | bool | None = None,
    command: str = "",
    workers: Workers | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Tuned:
    """Search for better settings of a recipe, and say whether those found are better.

    A study goes on where it was: give the same arguments again.

    Args:
        recipe: Its name, a file with one, or a Recipe.
        space: What may vary, see `make_space`; by default what the recipe's model and the training have to vary.
        rules: By which rules; by default 100 trials of at most 20 epochs.
        fixed: Settings such as `"data=digits"`, the same for every trial and for the recipe as shipped.
        confirm: Share of the training images that no trial sees; 0 for no confirmation.
        max_minutes: Begin no further round after so long; not with `one_epoch`, which has one round.
        keep: Of how many trials the weights are kept.
        jobs: How many processes train; by default as many as there are cores for.
        max_trial_minutes: The most that one training may take.
        name: The study's; by default the recipe's.
        studies_dir: Folder of all studies.
        data_dir: Where the data are.
        code: The user's own Python files that the recipe may name.
        storage: A database for Optuna instead of the journal.
        show: Whether to show how far it is, as for `cifarlab.train`; or your own `TuningObserver`.
        command: The command that makes the study, to be found in its folder.
        workers: Who trains; by default processes of this machine.
        clock: Tells seconds.

    Raises:
        CifarlabError: If any of these is wrong, the study of that name is another one, the data cannot be had, ten
            trials in a row fail, or files cannot be written.
    """
    check_installed()
    rules, observer = rules or Rules(epochs=default_epochs(recipe)), choose_observer(show)
    rules.check_minutes(max_minutes)
    space = space or choose_space(recipe, fixed=fixed, code=code)
    base = Path(recipe if isinstance(recipe, str) else recipe.model).stem
    varied = prepare(recipe, rules, fixed, confirm, code)
    splits = _load(varied, data_dir)
    study = begin_study(Path(studies_dir), name or base, varied, space, rules, _describe(splits), command)
    local = make_local_workers(jobs, rules.threads, max_trial_minutes)
    with study.writing() as may_write, workers or local as crew:
        # Whatever the user has named here may be executed by the processes that train, too.
        named = [each for each in own_code.allowed() if Path(each).is_file()]
        trainer = Trainer(study, rules, crew, observer, data_dir, named)
        plan = plan_study(rules, bool(confirm))
        observer.begin(study.path, _about(study, splits, plan, crew), plan.search + plan.confirmation)
        try:
            ends = None if max_minutes is None else clock() + 60 * max_minutes
            trials: list[Trial] = []
            for members in search(study.recipe, space, trainer.evaluate, rules, study.known):
                trials += members
                observer.judged(_best_line(trials), collections.Counter(trial.state for trial in trials))
                if may_write():
                    _write_round(study, trials, storage, keep)
                if ends is not None and clock() >= ends:
                    break
            leaders = best_of(trials)
            verdict = trainer.confirm(base, leaders[:CANDIDATES], splits) if confirm else None
        finally:
            observer.end()
        best = _chosen(leaders, verdict)
        if may_write():
            _write_result(study, trials, storage, base, best, verdict)
    return Tuned(study, tuple(trials), best, verdict)


def check_installed() -> None:
    """Say what to install where Optuna or Pebble is not.

    Raises:
        CifarlabError: If one of them is missing.
    """
    missing = [name for name in ("optuna", "pebble") if importlib.util.find_spec(name) is None]
    if missing:
        raise CifarlabError(f"a search needs {' and '.join(missing)}: pip install 'cifarlab[search]'")


def _write_round(study: Study, trials: Sequence[Trial], storage: str | None, keep: int) -> None:
    """Write what has been judged; a study that goes on first judges again what is written already, and is silent."""
    if len(trials) < exports.count_trials(study):
        return
    if len(trials) > exports.count_trials(study):
        study.verdict_file.unlink(missing_ok=True)  # it was about fewer trials
    exports.write_trials(study, trials)
    exports.write_journal(study, trials, storage)
    _thin(study, trials, study.rules, keep)


def _write_result(
    study: Study,
    trials: Sequence[Trial],
    storage: str | None,
    base: str,
    best: Trial | None,
    verdict: Verdict | None,
) -> None:
    exports.write_trials(study, trials)
    exports.write_journal(study, trials, storage)
    _drop_checkpoints(study)
    if best is None:
        return
    found = dataclasses.replace(study.recipe_of(best.settings), confirmation_fraction=0.0)
    exports.write_best(study, found, verdict, best, base)
    if verdict is not None:
        files.write_json(study.verdict_file, verdict)


def _about(study: Study, splits: Splits, plan: Plan, crew: Workers) -> list[str]:
    """What is searched, for people."""
    rules = study.rules
    space = ", ".join(f"{key} {text}" for key, text in study.about["space"].items())
    held = f", {len(splits.confirmation):,} that no trial sees" if splits.confirmation is not None else ""
    budget = f"{counted(rules.trials, 'trial')} of at most {counted(rules.epochs, 'epoch')}"
    after = f", then {plan.confirmation:,} to confirm what was found" if plan.confirmation else ""
    return [
        f"searching {study.path}: {study.recipe.model} on {splits.source.name}, {len(splits.train):,} training and "
        f"{len(splits.validation):,} validation images{held}",
        f"space: {space}",
        f"budget: {budget} in {counted(plan.rounds, 'round')}, {plan.search:,} epochs in all{after}; {crew}",
    ]


def _best_line(trials: Sequence[Trial]) -> str:
    leaders = best_of(trials)
    if not leaders:
        return ""
    first = leaders[0]
    what = ", ".join(f"{key}={value}" for key, value in first.settings.items()) or "the recipe as shipped"
    return f"{percent(first.score or 0.0)} (trial {first.number}: {what})"


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


def _drop_checkpoints(study: Study) -> None:
    """Of what is trained to its end only the model and its answers are wanted."""
    for path in study.path.glob("confirmation/*/checkpoint*.npz"):
        if Run(path.parent).state["state"] == "finished":
            path.unlink()


def _load(recipe: Recipe, data_dir: str | Path | None) -> Splits:
    from cifarlab.datasets import load_data

    return load_data(recipe.data, data_dir=data_dir, **recipe.held_out)


def _describe(splits: Splits) -> Mapping[str, object]:
    """Name, backend, and fingerprints of what is trained on, compared on and confirmed on; test images are not touched.

    On another backend the runs could not go on: that is another study, and no failure of its trials.
    """
    parts = {split: splits[split].fingerprint for split in SPLITS if split != "test"}
    confirmation = {} if splits.confirmation is None else {"confirmation": splits.confirmation.fingerprint}
    counts = {split: len(splits[split]) for split in parts}
    return {
        "name": splits.source.name,
        "backend": find_backend(),
        **{f"{key} fingerprint": each for key, each in {**parts, **confirmation}.items()},
        **counts,
    }
