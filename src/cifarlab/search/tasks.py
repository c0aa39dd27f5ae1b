"""One piece of work: a run trained up to an epoch. Files are the only truth, so any process may do it, and do it again.

Who does it holds a lock that the operating system frees when the process ends. A piece that is done is seen from the
run's folder; one that was killed goes on from the run's last checkpoint.
"""

import functools
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from cifarlab.datasets import Splits
from cifarlab.recipes import Recipe, allow_own_code, from_dict, to_dict
from cifarlab.runs import Run
from cifarlab.utils import locks
from cifarlab.utils.errors import CifarlabError

DONE, FAILED, ELSEWHERE, NO_ROOM = "done", "failed", "elsewhere", "no room"
"""How a piece of work ended: `ELSEWHERE` that another process is doing it, `NO_ROOM` that files cannot be written."""


@dataclass(frozen=True)
class Answer:
    """How a piece of work ended, and why it did not go well."""

    ended: str
    reason: str = ""


@dataclass(frozen=True, eq=False)
class Task:
    """A run to be trained up to an epoch.

    Attributes:
        folder: The run's.
        recipe: As plain values.
        until: The epoch.
        data_dir: Where the data are.
        code: The user's own Python files that the recipe may name.
        confirm: Whether to have the model answer the confirmation part at the end.
    """

    folder: Path
    recipe: Recipe
    until: int
    data_dir: str | None = None
    code: tuple[str, ...] = ()
    confirm: bool = False

    @property
    def run(self) -> Run:
        """Its run, there or not yet."""
        return Run(self.folder)

    @property
    def lock_file(self) -> Path:
        """Held by the process that does it."""
        return lock_of(self.folder)

    def is_done(self) -> bool:
        """Whether the run has come so far, and has been saved there."""
        return self.is_trained() and (not self.confirm or self.run.predictions_file(CONFIRMATION).is_file())

    def is_trained(self) -> bool:
        """Whether the run has come so far, in its checkpoint too: of one that was cut off only the history may have."""
        run = self.run
        if not run.state_file.is_file() or run.state["state"] not in ("stopped", "finished"):
            return False
        return run.state["state"] == "finished" or len(run.history()) >= self.until  # finished: it stopped early

    def __getstate__(self) -> dict[str, object]:
        # A recipe from JSON marks the Python files it names as not to be executed: plain values travel.
        return {**self.__dict__, "recipe": to_dict(self.recipe)}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update({**state, "recipe": from_dict(state["recipe"])})  # type: ignore[arg-type]


CONFIRMATION = "confirmation"


def lock_of(folder: Path) -> Path:
    """The lock of who trains the run of that folder: beside it, since the folder may be removed and made again."""
    return folder.with_name(f".{folder.name}.lock")


def advance(task: Task) -> Answer:
    """Do a piece of work in this process.

    Args:
        task: The work.

    Returns:
        How it ended. What goes wrong with this training is an answer; only bugs are raised.
    """
    try:
        task.folder.parent.mkdir(parents=True, exist_ok=True)
        with locks.hold(task.lock_file, f"{task.folder} is being trained", "wait for it"):
            if not task.is_done():
                _train(task)
            return Answer(DONE)
    except locks.BusyError:
        return Answer(ELSEWHERE)
    except CifarlabError as error:
        if isinstance(error.__cause__, OSError):
            return Answer(NO_ROOM, str(error))
        return Answer(FAILED, str(error))
    except OSError as error:
        return Answer(NO_ROOM, f"{error.filename or task.folder}: {error.strerror or error}")
    except MemoryError:
        return Answer(FAILED, "out of memory")


def _train(task: Task) -> None:
    from cifarlab import training

    run, splits = task.run, _load(task.recipe.data, task.data_dir, tuple(task.recipe.held_out.items()), task.code)
    allow_own_code(task.recipe, task.code)
    if run.path.exists() and not run.has_checkpoint():
        _remove(run)  # killed before its first checkpoint
    if not run.path.exists():
        training.train(
            task.recipe,
            data_dir=task.data_dir,
            runs_dir=run.path.parent,
            name=run.path.name,
            code=task.code,
            show=False,
            splits=splits,
            until=task.until,
        )
    elif not task.is_trained():
        training.resume(run, data_dir=task.data_dir, code=task.code, show=False, splits=splits, until=task.until)
    if task.confirm:
        _answer_confirmation(run, splits)


def _remove(run: Run) -> None:
    """Take a run away that has nothing to go on from.

    Raises:
        BusyError: If another process trains it: a command without workers asks for the run's lock, not for the task's.
    """
    with run.owned():
        shutil.rmtree(run.path, ignore_errors=os.name != "posix")
    if os.name != "posix":  # where the lock that is held cannot be removed
        shutil.rmtree(run.path)


@functools.lru_cache(maxsize=1)
def _load(data: str, data_dir: str | None, held_out: tuple[tuple[str, float], ...], code: tuple[str, ...]) -> Splits:
    """The data, once a process."""
    from cifarlab.datasets import load_data

    named = dict(held_out)
    return load_data(
        data,
        data_dir=data_dir,
        validation_fraction=named["validation_fraction"],
        fold=int(named["fold"]),
        confirmation_fraction=named["confirmation_fraction"],
        code=code,
    )


def _answer_confirmation(run: Run, splits: Splits) -> None:
    from cifarlab.inference.prediction import load_model, predict_images

    if splits.confirmation is not None:
        predict_images(load_model(run), splits.confirmation).save(run.predictions_file(CONFIRMATION))


def use_threads(count: int) -> None:
    """Let the backend of this process, not yet loaded, compute with so many threads: the bits depend on it."""
    os.environ |= thread_variables(count)


def thread_variables(count: int) -> dict[str, str]:
    """The environment of a process whose backend computes with so many threads."""
    flags = os.environ.get("XLA_FLAGS", "")
    return {
        "TF_NUM_INTRAOP_THREADS": str(count),
        "TF_NUM_INTEROP_THREADS": "1",
        "OMP_NUM_THREADS": str(count),
        "PJRT_NPROC": str(count),
        "XLA_FLAGS": f"{flags} --xla_cpu_multi_thread_eigen=false".strip() if count == 1 else flags,
    }
