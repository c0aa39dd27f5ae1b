"""Trainings as the command line runs them: one after the other, each shown as it goes."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from cifarlab.runs import Run, open_run
from cifarlab.training.plan import Training
from cifarlab.utils.errors import CifarlabError


def train_all(
    trainings: Sequence[Training],
    *,
    data_dir: str | None = None,
    runs_dir: Path = Path("runs"),
    name: str | None = None,
    stderr: bool = False,
) -> list[Run]:
    """Train one after the other, in one process, showing each.

    Models of the user's own are examined before the first training, each once whatever its seeds.

    Args:
        trainings: What `plan_trainings` made.
        data_dir: Where the data are.
        runs_dir: Folder of all runs.
        name: Name of the run's folder; a number is added for the second and further ones.
        stderr: Show the progress on standard error.
    """
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
                name=name,
                show=display,
            )
        runs.append(run)
    return runs


def resume(
    path: str,
    *,
    data_dir: str | None = None,
    code: Sequence[str | os.PathLike[str]] = (),
    stderr: bool = False,
) -> Run:
    """Continue one stopped run, showing it."""
    run = open_run(path)
    from cifarlab import training
    from cifarlab.displays.console import make_console
    from cifarlab.displays.progress import TrainingDisplay

    with TrainingDisplay(make_console(stderr=stderr)) as display:
        return training.resume(run, data_dir=data_dir, code=code, show=display)


def check_resume_stands_alone(others: Iterable[object]) -> None:
    """Refuse `--resume` beside anything that would change the run.

    Raises:
        CifarlabError: If any of `others` is given.
    """
    if any(other is not None and other != [] for other in others):
        raise CifarlabError(
            "--resume continues a run as it was begun: give no recipe, setting, seed, data set or name beside it"
        )
