"""Trainings of one command on several processes: the workers of a search, and ordinary runs."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cifarlab.datasets import load_data
from cifarlab.recipes import Recipe
from cifarlab.runs import Run
from cifarlab.search.observer import TuningObserver, choose_observer
from cifarlab.search.sweep_runs import RunFinder
from cifarlab.search.tasks import FAILED, Answer, Task
from cifarlab.search.workers import Workers
from cifarlab.training.naming import run_name
from cifarlab.training.plan import Training, resolve
from cifarlab.training.preparation import describe_splits, prepare
from cifarlab.utils import own_code
from cifarlab.utils.text import counted


@dataclass(frozen=True)
class Trained:
    """How a training ended.

    Attributes:
        run: Its run; where it failed, perhaps only a folder's name.
        reason: Why it failed; empty where it did not.
        is_new: Whether it was trained now, and not there already.
    """

    run: Run
    reason: str = ""
    is_new: bool = True


def train_many(
    trainings: Sequence[Training],
    workers: Workers,
    *,
    data_dir: str | None = None,
    runs_dir: str | Path = "runs",
    name: str | None = None,
    code: Sequence[str | os.PathLike[str]] = (),
    show: TuningObserver | bool | None = None,
) -> list[Trained]:
    """Do all of several trainings, as many at a time as there are workers.

    Runs that are there already, trained the same way on the same data, are taken as they are; those that were stopped
    go on. So the same words go on after any accident.

    Args:
        trainings: What `plan_trainings` made.
        workers: Who trains.
        data_dir: Where the data are.
        runs_dir: Folder of all runs.
        name: Name of the runs' folders; a number is added for the second and further ones.
        code: The user's own Python files that recipes in JSON may name.
        show: Whether to show how far it is, as for `cifarlab.train`; or your own `TuningObserver`.

    Returns:
        One a training, in their order; one that failed keeps no other from being done.

    Raises:
        CifarlabError: If the data cannot be had, a model of the user's own cannot be trained, or files cannot be
            written.
    """
    observer = choose_observer(show)
    recipes = [resolve(each) for each in trainings]
    runs = _find_runs(trainings, recipes, data_dir, Path(runs_dir), name)
    # The files that the user named by now, by a recipe or a setting too: a worker knows only what its task names.
    named = (*map(str, code), *(each for each in own_code.allowed() if Path(each).is_file()))
    tasks = {
        place: Task(run.path, recipe, recipe.epochs, None if data_dir is None else str(data_dir), named)
        for place, (run, recipe) in enumerate(zip(runs, recipes, strict=True))
        if not _is_finished(run)
    }
    there = f", {len(runs) - len(tasks)} there already" if len(tasks) < len(runs) else ""
    lines = [f"{counted(len(tasks), 'training')} to do{there}", *([f"with {workers}"] if tasks else [])]
    with workers:
        observer.begin(Path(runs_dir), lines, sum(task.until for task in tasks.values()))
        try:
            answers = _train(tasks, workers, observer)
        finally:
            observer.end()
    return [_outcome(run, answers.get(place)) for place, run in enumerate(runs)]


def _find_runs(
    trainings: Sequence[Training], recipes: Sequence[Recipe], data_dir: str | None, runs_dir: Path, name: str | None
) -> list[Run]:
    """Each training's run, there or not yet; models of the user's own are examined, each once whatever its seeds."""
    finders: dict[object, RunFinder] = {}
    examined: set[object] = set()
    given: set[Path] = set()
    runs = []
    for training, recipe in zip(trainings, recipes, strict=True):
        data, kind = (recipe.data, *recipe.held_out.values()), _kind(training)
        is_to_examine = own_code.is_own(recipe.model) and kind not in examined
        if data not in finders or is_to_examine:
            splits = load_data(recipe.data, data_dir=data_dir, **recipe.held_out)
            finders.setdefault(data, RunFinder(runs_dir, describe_splits(splits)["fingerprints"], given))
            if is_to_examine:
                prepare(recipe, data_dir, splits)
                examined.add(kind)
        wanted = training.name(name) or run_name(training.recipe, recipe, training.settings)
        runs.append(finders[data].find(recipe, wanted, so_named=name))
    return runs


def _kind(training: Training) -> tuple[object, ...]:
    """What several trainings have in common whose network is the same."""
    return training.recipe, training.settings, training.data, training.start_from


def _is_finished(run: Run) -> bool:
    return run.state_file.is_file() and run.state["state"] == "finished"


def _train(tasks: Mapping[int, Task], workers: Workers, observer: TuningObserver) -> dict[int, Answer]:
    """Those of equal length together, so that a display knows how far they are."""
    answers: dict[int, Answer] = {}
    for until in sorted({task.until for task in tasks.values()}):
        chosen = {place: task for place, task in tasks.items() if task.until == until}
        observer.race("trainings", {task.folder.name: task.run for task in chosen.values()}, 0, until)
        found = workers.run(list(chosen.values()), observer.tick)
        answers |= {place: found[task] for place, task in chosen.items()}
    for place, answer in answers.items():
        if answer.ended != FAILED:
            tasks[place].lock_file.unlink(missing_ok=True)  # nobody trains a finished run
    return answers


def _outcome(run: Run, answer: Answer | None) -> Trained:
    if answer is None:
        return Trained(run, is_new=False)
    return Trained(run, answer.reason if answer.ended == FAILED else "")
