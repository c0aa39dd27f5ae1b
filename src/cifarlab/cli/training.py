"""Trainings as the command line runs them: one after the other, each shown as it goes, or several at a time."""

import contextlib
import os
import re
import shlex
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from cifarlab.runs import Run, open_run
from cifarlab.training.plan import Training
from cifarlab.utils.errors import CifarlabError, Interrupted
from cifarlab.utils.text import counted

LATEST = "latest"
PAUSED = 75
"""The exit code of a training that has to go on later: EX_TEMPFAIL, as a batch system knows it."""
_NOTHING = 1e-9
_CLOCK_SECONDS = 60.0  # so far the clocks of two machines that share a disk may be apart

if TYPE_CHECKING:
    from cifarlab.search.workers import Workers


def train_all(
    trainings: Sequence[Training],
    *,
    data_dir: str | None = None,
    runs_dir: Path = Path("runs"),
    name: str | None = None,
    max_seconds: float | None = None,
    stderr: bool = False,
    devices: str | None = None,
) -> list[Run]:
    """Train one after the other, in one process, showing each.

    Models of the user's own are examined before the first training, each once whatever its seeds.

    Args:
        trainings: What `plan_trainings` made.
        data_dir: Where the data are.
        runs_dir: Folder of all runs.
        name: Name of the run's folder; a number is added for the second and further ones, and for each of the folds.
        max_seconds: Pause before so many seconds are over; then the last one is paused, and others are not begun.
        stderr: Show the progress on standard error.
        devices: How many share each step's images.
    """
    began = time.monotonic()
    from cifarlab import training
    from cifarlab.displays.console import make_console
    from cifarlab.displays.progress import TrainingDisplay

    # Weights to begin with are those of a run, whose network has been examined.
    named = [item for item in trainings if item.start_from is None]
    kinds = dict.fromkeys((item.recipe, item.settings, item.data) for item in named)
    for kind in list(kinds)[1:]:  # the first is examined when it is trained, at once
        training.check_own(*kind, data_dir)
    runs = []
    for item in trainings:
        with TrainingDisplay(make_console(stderr=stderr)) as display:
            run = training.train(
                item.recipe or None,
                start_from=item.start_from,
                settings=item.settings,
                seed=item.seed,
                data=item.data,
                data_dir=data_dir,
                runs_dir=runs_dir,
                name=item.name(name),
                labels=item.labels,
                show=display,
                max_seconds=_left(max_seconds, began),
                devices=devices,
            )
        runs.append(run)
        if is_paused(run) or (max_seconds is not None and _left(max_seconds, began) == _NOTHING):
            break
    return runs


def choose_workers(
    engine: str,
    jobs: int | None,
    threads: int | None,
    one_at_a_time: Mapping[str, object] | None = None,
    *,
    address: str | None = None,
    cpus: float | None = None,
    gpus: float = 0.0,
) -> "Workers | None":
    """Who trains several at a time; None where the command itself trains one after the other.

    Args:
        engine: Where.
        jobs: How many at a time.
        threads: Of each.
        one_at_a_time: Options that have no meaning for several at a time, and what was given; None for nothing.
        address: Of the cluster.
        cpus: Of each training on the cluster.
        gpus: Likewise.

    Raises:
        CifarlabError: If an option is given that has no meaning then, or another is wrong.
    """
    if jobs is None and engine == "local" and threads is not None:
        raise CifarlabError("--threads is about processes of their own: give --jobs N too, or --engine ray")
    others = (address, cpus, gpus or None)
    if jobs is None and engine == "local" and others == (None, None, None):
        return None
    for option, given in (one_at_a_time or {}).items():
        if given is not None:
            raise CifarlabError(f"{option} is for one training at a time: give it without --jobs and --engine")
    from cifarlab.search import make_workers

    return make_workers(engine, jobs, threads or 1, address=address, cpus=cpus, gpus=gpus)


def train_on_workers(
    trainings: Sequence[Training],
    workers: "Workers",
    *,
    data_dir: str | None = None,
    runs_dir: Path = Path("runs"),
    name: str | None = None,
    code: Sequence[str] = (),
) -> tuple[list[Run], int]:
    """Train several at a time, showing how far they are, and say of each that fails why.

    Args:
        trainings: What `plan_trainings` made.
        workers: Who trains.
        data_dir: Where the data are.
        runs_dir: Folder of all runs.
        name: Name of the run's folder.
        code: The user's own Python files that recipes in JSON may name.

    Returns:
        The runs that did not fail, and how many did.

    Raises:
        Interrupted: If the user stops it.
    """
    from cifarlab.displays.console import make_console, say
    from cifarlab.displays.tuning import TuningDisplay
    from cifarlab.search import train_many

    console = make_console(stderr=True)
    show = TuningDisplay(console)
    try:
        found = train_many(trainings, workers, data_dir=data_dir, runs_dir=runs_dir, name=name, code=code, show=show)
    except KeyboardInterrupt:
        raise Interrupted("nothing is lost, give the same command again to go on") from None
    failed = [each for each in found if each.reason]
    say(console, *(f"cifarlab: {each.run.path} failed: {' '.join(each.reason.split())}" for each in failed))
    return [each.run for each in found if not each.reason], len(failed)


def resume(
    path: str,
    *,
    data_dir: str | None = None,
    runs_dir: Path = Path("runs"),
    code: Sequence[str | os.PathLike[str]] = (),
    max_seconds: float | None = None,
    stderr: bool = False,
    devices: str | None = None,
    epochs: int | None = None,
) -> Run:
    """Continue one stopped run, showing it: that of a folder, or `"latest"` of all in `runs_dir`."""
    run = find_latest(runs_dir) if path == LATEST else open_run(path)
    from cifarlab import training
    from cifarlab.displays.console import make_console
    from cifarlab.displays.progress import TrainingDisplay

    with TrainingDisplay(make_console(stderr=stderr)) as display:
        return training.resume(
            run, data_dir=data_dir, code=code, show=display, max_seconds=max_seconds, devices=devices, epochs=epochs
        )


def find_latest(runs_dir: Path) -> Run:
    """The run that was trained last of those that are neither finished nor being trained.

    Raises:
        CifarlabError: If there is none, or the clock was set back, so that it cannot be told.
    """
    stopped = []
    for file in runs_dir.glob("*/run.json"):
        with contextlib.suppress(CifarlabError, OSError):  # what cannot be opened cannot go on either
            run = open_run(file.parent)
            if run.state["state"] != "finished" and not run.is_being_trained():
                stopped.append((file.stat().st_mtime, run.name, run))
    if not stopped:
        raise CifarlabError(f"no run in {runs_dir} can be resumed: all are finished or being trained")
    changed, _, latest = max(stopped, key=lambda each: each[:2])
    if len(stopped) > 1 and changed > time.time() + _CLOCK_SECONDS:
        raise CifarlabError(
            f"which run in {runs_dir} is the latest cannot be told: {latest.path} was changed in the future, by this "
            f"machine's clock; name the run instead of {LATEST!r}"
        )
    return latest


def print_folds(runs: Sequence[Run], folds: int, *, data_dir: str | None = None, quiet: bool = False) -> None:
    """Evaluate each fold on what it left out, and print and write down what the folds of each training say together.

    Args:
        runs: All that one command trained, the folds of a recipe and seed one after the other.
        folds: Of each.
        data_dir: Where the data are.
        quiet: Print nothing.
    """
    from cifarlab.displays.console import make_console, say
    from cifarlab.evaluation.fold_summary import summarise_folds
    from cifarlab.evaluation.scoring import evaluate
    from cifarlab.utils import files
    from cifarlab.utils.json_data import json_data

    for start in range(0, len(runs), folds):
        group = runs[start : start + folds]
        for run in group:
            if not run.has_current_predictions("validation"):
                evaluate(run, split="validation", data_dir=data_dir, show=not quiet)
        summary = summarise_folds(group)
        # mlp2-fold0-seed0 and its others: mlp2-seed0-folds.json; own-1 and its others: own-folds.json.
        name = re.sub(r"-fold0(?=-seed)|-1$", "", group[0].name)
        file = files.write_json(group[0].path.with_name(f"{name}-folds.json"), json_data(summary))
        if not quiet:
            table = summary.table()
            say(make_console(), table.as_text(), f"written to {file}", "")


def is_paused(run: Run) -> bool:
    """Whether its training has to go on later."""
    return bool(run.state["state"] == "stopped")


def end_if_paused(run: Run, waiting: int) -> None:
    """Say how to go on after `--max-seconds`, and end with the code that says so.

    Args:
        run: The last one that was trained.
        waiting: How many trainings were not begun.
    """
    if not (is_paused(run) or waiting):
        return
    rest = f"; {counted(waiting, 'training')} not begun" if waiting else ""
    again = f"go on with cifarlab train --resume {shlex.quote(str(run.path))}"
    told = f"{run.path} is {run.state['why']}: {again}" if is_paused(run) else f"{run.path} is finished"
    print(f"cifarlab: out of time: {told}{rest}", file=sys.stderr)
    raise typer.Exit(PAUSED)


def _left(seconds: float | None, began: float) -> float | None:
    """What is left of the seconds."""
    return None if seconds is None else max(_NOTHING, seconds - (time.monotonic() - began))


def check_resume_stands_alone(others: Iterable[object]) -> None:
    """Refuse `--resume` beside anything that would change the run.

    Raises:
        CifarlabError: If any of `others` is given.
    """
    if any(other is not None and other != [] for other in others):
        raise CifarlabError(
            "--resume continues a run as it was begun: give no recipe, setting, seed, data set, labels file, name or "
            "worker beside it"
        )
