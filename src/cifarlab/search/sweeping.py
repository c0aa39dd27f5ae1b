"""`sweep`: every combination of recipes and values, with several seeds, as ordinary runs."""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from cifarlab.datasets import Splits
from cifarlab.runs import Run
from cifarlab.search.combinations import Combination, parse_over, plan_sweep
from cifarlab.search.observer import TuningObserver, choose_observer
from cifarlab.search.sweep_files import check_folder, write_sweep
from cifarlab.search.sweep_results import Sweep, SweepRow, SweepRun, compare_to_first, make_row, summarise_rows
from cifarlab.search.sweep_runs import RunFinder, is_same
from cifarlab.search.tasks import FAILED, Answer, Task
from cifarlab.search.workers import Workers, make_local_workers
from cifarlab.training.starting_point import check_news
from cifarlab.utils import files, own_code
from cifarlab.utils.best_epoch import best_accuracy
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.random_state import kept_random_state
from cifarlab.utils.text import counted

SEEDS = 3


def sweep(
    recipes: str | Sequence[str],
    over: Sequence[str] = (),
    *,
    seeds: int = SEEDS,
    settings: Sequence[str] = (),
    data: str | None = None,
    data_dir: str | Path | None = None,
    code: Sequence[str | os.PathLike[str]] = (),
    jobs: int | None = None,
    threads: int = 1,
    max_run_minutes: float | None = None,
    name: str | None = None,
    runs_dir: str | Path = "runs",
    sweeps_dir: str | Path = "sweeps",
    show: TuningObserver | bool | None = None,
    command: str = "",
    workers: Workers | None = None,
) -> Sweep:
    """Train every combination of recipes and values with several seeds, and compare them on the validation images.

    Runs that are there already, trained the same way on the same data, are taken as they are; those that were stopped
    go on. So more values or seeds cost only what is new.

    Args:
        recipes: Names of recipes, or files.
        over: What varies, such as `"learning_rate=3e-4,1e-3"`; of several, every combination.
        seeds: How many trainings of each, with the seeds 0, 1, ...
        settings: Overrides such as `"epochs=20"`, the same for all.
        data: Data set instead of the recipes' own.
        data_dir: Where the data are.
        code: The user's own Python files that recipes in JSON may name.
        jobs: How many processes train; by default as many as there are cores for.
        threads: With how many threads each computes.
        max_run_minutes: The most that one training may take.
        name: The sweep's; by default the recipes' and the keys'.
        runs_dir: Folder of all runs.
        sweeps_dir: Folder of all sweeps.
        show: Whether to show how far it is, as for `cifarlab.train`; or your own `TuningObserver`.
        command: The command that makes the sweep, to be found in its folder.
        workers: Who trains; by default processes of this machine.

    Returns:
        What was found, failed trainings among it.

    Raises:
        CifarlabError: If any of these is wrong, the data cannot be had, or files cannot be written.
    """
    recipes = [recipes] if isinstance(recipes, str) else list(recipes)
    if seeds < 1:
        raise CifarlabError(f"--seeds takes a number of at least 1. Received: {seeds}")
    observer = choose_observer(show)
    combinations = plan_sweep(recipes, over, settings, data, code)
    keys = list(parse_over(over))
    about: dict[str, object] = {"recipes": recipes, "keys": keys, "settings": list(settings), "data": data}
    folder = Path(sweeps_dir) / (name or _default_name(recipes, keys))
    check_folder(folder, about)
    files.check_no_url(runs_dir)
    splits = _load(combinations[0], data_dir)
    for start in {each.recipe.start_from: each.recipe for each in combinations}.values():
        check_news(start, splits)
    for each in combinations:
        _check_own(each, data_dir, splits)
    runs = _find_runs(combinations, seeds, Path(runs_dir), splits)
    tasks = {
        key: _make_task(run, combinations[key[0]], key[1], data_dir, code)
        for key, run in runs.items()
        if not _is_finished(run)
    }
    lines = _describe(folder, combinations, splits, seeds, len(tasks))
    local = make_local_workers(jobs, threads, max_run_minutes)
    with workers or local as crew:
        observer.begin(folder, [*lines, f"with {crew}"] if tasks else lines, sum(t.until for t in tasks.values()))
        try:
            answers = _train(tasks, combinations, crew, observer)
        finally:
            observer.end()
    rows = compare_to_first(_make_rows(combinations, runs, tasks, answers))
    about |= {"over": list(over), "seeds": seeds, "command": command}
    found = Sweep(
        path=folder, about=about, images=len(splits.validation), rows=tuple(rows), sentence=summarise_rows(rows)
    )
    write_sweep(found)
    return found


_Key = tuple[int, int]  # a combination's place, and a seed


def _default_name(recipes: Sequence[str], keys: Sequence[str]) -> str:
    return "-".join([*(Path(each).stem for each in recipes), *keys])[:100]


def _load(first: Combination, data_dir: str | Path | None) -> Splits:
    """The data of all combinations, which are the same."""
    from cifarlab.datasets import load_data

    return load_data(first.recipe.data, data_dir=data_dir, **first.recipe.held_out)


def _check_own(each: Combination, data_dir: str | Path | None, splits: Splits) -> None:
    """A model of the user's own is examined before others take their hours; this loads Keras."""
    if own_code.is_own(each.recipe.model):
        from cifarlab.training.preparation import prepare

        with kept_random_state():
            prepare(each.recipe, data_dir, splits)


def _find_runs(combinations: Sequence[Combination], seeds: int, runs_dir: Path, splits: Splits) -> dict[_Key, Run]:
    from cifarlab.training.preparation import describe_splits

    finder = RunFinder(runs_dir, describe_splits(splits)["fingerprints"])
    return {
        (place, seed): finder.find(dataclasses.replace(each.recipe, seed=seed), f"{each.name}-seed{seed}")
        for place, each in enumerate(combinations)
        for seed in range(seeds)
    }


def _is_finished(run: Run) -> bool:
    return run.state_file.is_file() and run.state["state"] == "finished"


def _make_task(
    run: Run,
    combination: Combination,
    seed: int,
    data_dir: str | Path | None,
    code: Sequence[str | os.PathLike[str]],
) -> Task:
    recipe = dataclasses.replace(combination.recipe, seed=seed)
    return Task(run.path, recipe, recipe.epochs, None if data_dir is None else str(data_dir), tuple(map(str, code)))


def _describe(
    folder: Path, combinations: Sequence[Combination], splits: Splits, seeds: int, trainings: int
) -> list[str]:
    """What is swept, for people."""
    there = len(combinations) * seeds - trainings
    return [
        f"sweeping {folder}: {counted(len(combinations), 'combination')} with {counted(seeds, 'seed')} each on "
        f"{splits.source.name}, {len(splits.train):,} training and {len(splits.validation):,} validation images",
        f"{counted(trainings, 'training')} to do, {there} there already",
    ]


def _train(
    tasks: Mapping[_Key, Task], combinations: Sequence[Combination], crew: Workers, observer: TuningObserver
) -> dict[Task, Answer]:
    """Train what is to be trained, those of equal length together: so a display knows how far they are."""
    answers: dict[Task, Answer] = {}
    for until in sorted({task.until for task in tasks.values()}):
        chosen = {key: task for key, task in tasks.items() if task.until == until}
        runs = {f"{combinations[place].label}, seed {seed}": task.run for (place, seed), task in chosen.items()}
        observer.race("trainings", runs, 0, until)
        answers |= crew.run(list(chosen.values()), observer.tick)
    for task, answer in answers.items():
        if answer.ended != FAILED:
            task.lock_file.unlink(missing_ok=True)  # nobody trains a finished run
    return answers


def _make_rows(
    combinations: Sequence[Combination],
    runs: Mapping[_Key, Run],
    tasks: Mapping[_Key, Task],
    answers: Mapping[Task, Answer],
) -> list[SweepRow]:
    rows = []
    for place, each in enumerate(combinations):
        members = [(seed, run) for (where, seed), run in runs.items() if where == place]
        found = []
        for seed, run in members:
            task = tasks.get((place, seed))
            answer = answers.get(task) if task else None
            if answer is not None and answer.ended == FAILED:
                found.append(SweepRun(seed, run.path, None, answer.reason))
            else:
                found.append(SweepRun(seed, run.path, _accuracy(run, each, seed), is_new=answer is not None))
        rows.append(make_row(each.recipe_name, each.settings, found))
    return rows


def _accuracy(run: Run, combination: Combination, seed: int) -> float:
    """Validation accuracy of the best epoch: that of the model which the run saves."""
    if not is_same(run.recipe, dataclasses.replace(combination.recipe, seed=seed)):
        raise CifarlabError(f"{run.path} became another run while this one was to begin: give the same command again")
    return best_accuracy(run.history())
