"""Trainings as the command line runs them: one after the other, each shown as it goes, or several at a time."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cifarlab.runs import Run, open_run
from cifarlab.training.plan import Training
from cifarlab.utils.errors import CifarlabError

if TYPE_CHECKING:
    from cifarlab.search.workers import Workers


def train_all(
    trainings: Sequence[Training],
    *,
    data_dir: str | None = None,
    runs_dir: Path = Path("runs"),
    name: str | None = None,
    stderr: bool = False,
    devices: str | None = None,
) -> list[Run]:
    """Train one after the other, in one process, showing each.

    Models of the user's own are examined before the first training, each once whatever its seeds.

    Args:
        trainings: What `plan_trainings` made.
        data_dir: Where the data are.
        runs_dir: Folder of all runs.
        name: Name of the run's folder; a number is added for the second and further ones.
        stderr: Show the progress on standard error.
        devices: How many share each step's images.
    """
    from cifarlab import training
    from cifarlab.displays.console import make_console
    from cifarlab.displays.progress import TrainingDisplay

    kinds = dict.fromkeys((item.recipe, item.settings, item.data) for item in trainings)
    for kind in list(kinds)[1:]:  # the first is examined when it is trained, at once
        training.check_own(*kind, data_dir)
    runs = []
    for item in trainings:
        with TrainingDisplay(make_console(stderr=stderr)) as display:
            run = training.train(
                item.recipe,
                settings=item.settings,
                seed=item.seed,
                data=item.data,
                data_dir=data_dir,
                runs_dir=runs_dir,
                name=name,
                show=display,
                devices=devices,
            )
        runs.append(run)
    return runs


def choose_workers(
    engine: str,
    jobs: int | None,
    threads: int | None,
    devices: str | None = None,
    *,
    address: str | None = None,
    cpus: float | None = None,
    gpus: float = 0.0,
) -> "Workers | None":
    """Who trains several at a time; None where the command itself trains one after the other.

    Raises:
        CifarlabError: If an option is given that has no meaning then, or another is wrong.
    """
    if jobs is None and engine == "local" and threads is not None:
        raise CifarlabError("--threads is about processes of their own: give --jobs N too, or --engine ray")
    others = (address, cpus, gpus or None)
    if jobs is None and engine == "local" and others == (None, None, None):
        return None
    if devices is not None:
        raise CifarlabError("--devices is for one training at a time: give it without --jobs and --engine")
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
    """
    from cifarlab.displays.console import make_console, say
    from cifarlab.displays.tuning import TuningDisplay
    from cifarlab.search import train_many

    console = make_console(stderr=True)
    show = TuningDisplay(console)
    found = train_many(trainings, workers, data_dir=data_dir, runs_dir=runs_dir, name=name, code=code, show=show)
    failed = [each for each in found if each.reason]
    say(console, *(f"cifarlab: {each.run.path} failed: {' '.join(each.reason.split())}" for each in failed))
    return [each.run for each in found if not each.reason], len(failed)


def resume(
    path: str,
    *,
    data_dir: str | None = None,
    code: Sequence[str | os.PathLike[str]] = (),
    stderr: bool = False,
    devices: str | None = None,
) -> Run:
    """Continue one stopped run, showing it."""
    run = open_run(path)
    from cifarlab import training
    from cifarlab.displays.console import make_console
    from cifarlab.displays.progress import TrainingDisplay

    with TrainingDisplay(make_console(stderr=stderr)) as display:
        return training.resume(run, data_dir=data_dir, code=code, show=display, devices=devices)


def check_resume_stands_alone(others: Iterable[object]) -> None:
    """Refuse `--resume` beside anything that would change the run.

    Raises:
        CifarlabError: If any of `others` is given.
    """
    if any(other is not None and other != [] for other in others):
        raise CifarlabError(
            "--resume continues a run as it was begun: give no recipe, setting, seed, data set, name or "
            "worker beside it"
        )
