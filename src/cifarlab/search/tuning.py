"""`tune`: from a recipe and a budget to a recipe that was found, and what may be said of it."""

import collections
import importlib.util
import os
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cifarlab.datasets import SPLITS, Splits
from cifarlab.recipes import Recipe
from cifarlab.search.asynchronous import Race
from cifarlab.search.beginning import begin_study, check_place, place_study
from cifarlab.search.confirmation import CANDIDATES, Verdict
from cifarlab.search.exports import open_storage
from cifarlab.search.observer import TuningObserver, choose_observer
from cifarlab.search.planning import CONFIRM, Plan, default_epochs, plan_study, prepare
from cifarlab.search.racing import Racing
from cifarlab.search.rounds import Trial, best_of, search
from cifarlab.search.rules import Rules
from cifarlab.search.samplers import check_sampler
from cifarlab.search.space import Space, choose_space
from cifarlab.search.study import Study
from cifarlab.search.trainer import Trainer
from cifarlab.search.workers import Workers, make_local_workers
from cifarlab.search.writing import Writer
from cifarlab.training.starting_point import check_news
from cifarlab.utils import own_code
from cifarlab.utils.environment import find_backend
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.text import counted, percent


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
    rules, observer = rules or Rules(epochs=default_epochs(recipe)), choose_observer(show)
    check_installed(rules)
    rules.check_minutes(max_minutes)
    space = space or choose_space(recipe, fixed=fixed, code=code)
    base = Path(recipe if isinstance(recipe, str) else recipe.model).stem
    check_place(Path(studies_dir), name or base)
    varied = prepare(recipe, rules, fixed, confirm, code)
    splits = _load(varied, data_dir)
    check_news(varied, splits)
    study = place_study(Path(studies_dir), name or base)
    with study.writing() as may_write:
        begin_study(study, varied, space, rules, _describe(splits), command, is_mine=may_write())
        if storage and may_write():
            open_storage(study, storage)
        writer = Writer(study, rules, may_write, storage, keep)
        with workers or make_local_workers(jobs, rules.threads, max_trial_minutes) as crew:
            # Whatever the user has named here may be executed by the processes that train, too.
            named = [each for each in own_code.allowed() if Path(each).is_file()]
            trainer = Trainer(study, rules, crew, observer, data_dir, named)
            plan = plan_study(rules, bool(confirm))
            observer.begin(study.path, _about(study, splits, plan, crew), plan.search + plan.confirmation)
            ends = None if max_minutes is None else clock() + 60 * max_minutes
            try:
                trials = _find(
                    study, space, rules, trainer, crew, observer, writer, lambda: ends is None or clock() < ends
                )
                leaders = best_of(trials)
                verdict = trainer.confirm(base, leaders[:CANDIDATES], splits) if confirm else None
            finally:
                observer.end()
        best = _chosen(leaders, verdict)
        writer.write_result(trials, base, best, verdict)
    return Tuned(study, tuple(sorted(trials, key=lambda trial: trial.number)), best, verdict)


def _find(
    study: Study,
    space: Space,
    rules: Rules,
    trainer: Trainer,
    crew: Workers,
    observer: TuningObserver,
    writer: Writer,
    is_time: Callable[[], bool],
) -> list[Trial]:
    """Search, round by round or as trials arrive; all trials in the order in which they were judged."""
    trials: list[Trial] = []

    def judged(members: Sequence[Trial]) -> None:
        trials.extend(members)
        observer.judged(_best_line(trials), collections.Counter(trial.state for trial in trials))
        writer.write_round(trials)

    if rules.asynchronous:
        race = Race(study.recipe, space, rules, study.known, lambda trial: judged([trial]))
        Racing(study, race, trainer, crew, observer, rules.epochs).run(is_time)
        return trials
    for members in search(study.recipe, space, trainer.evaluate, rules, study.known):
        judged(members)
        if not is_time():
            break
    return trials


def check_installed(rules: Rules) -> None:
    """Say what to install where Optuna, Pebble or what a sampler needs is not.

    Raises:
        CifarlabError: If one of them is missing.
    """
    missing = [name for name in ("optuna", "pebble") if importlib.util.find_spec(name) is None]
    if missing:
        raise CifarlabError(f"a search needs {' and '.join(missing)}: pip install 'cifarlab[search]'")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # in a notebook without ipywidgets: its progress bar, which is not used here
        importlib.import_module("optuna")
    check_sampler(rules.sampler)


def _about(study: Study, splits: Splits, plan: Plan, crew: Workers) -> list[str]:
    """What is searched, for people."""
    rules = study.rules
    space = ", ".join(f"{key} {text}" for key, text in study.about["space"].items())
    held = f", {len(splits.confirmation):,} that no trial sees" if splits.confirmation is not None else ""
    budget = f"{counted(rules.trials, 'trial')} of at most {counted(rules.epochs, 'epoch')}"
    way = ", judged as they arrive, so that the study depends on how many processes train: about"
    way = way if rules.asynchronous else f" in {counted(plan.rounds, 'round')},"
    after = f", then {plan.confirmation:,} to confirm what was found" if plan.confirmation else ""
    return [
        f"searching {study.path}: {study.recipe.model} on {splits.source.name}, {len(splits.train):,} training and "
        f"{len(splits.validation):,} validation images{held}",
        f"space: {space}",
        f"budget: {budget}{way} {plan.search:,} epochs in all{after}; {crew}",
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
