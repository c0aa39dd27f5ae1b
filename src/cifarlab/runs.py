"""Run: a training's folder, and the only place that knows its file names.

runs/<id>/
run.json            format, version, state (running, finished, stopped, failed) and why
recipe.json         the resolved recipe
environment.json    versions, hardware, backend
data.json           which data, from where, with which checksums
command.txt         the command that makes this run again
history.csv         one line an epoch
model.keras         best on validation (the last epoch's where nothing is held out)
last.weights.h5     the last epoch's weights
checkpoint.npz      everything `--resume` needs
tensorboard/        events
predictions-<split>.npz, scores.json (test; other splits scores-<split>.json), looks.json, figures/, report.html
"""

import csv
import datetime
import itertools
import os
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cifarlab
from cifarlab import files, recipe
from cifarlab.errors import CifarlabError

FORMAT = 1
STATES = ("running", "finished", "stopped", "failed")


@dataclass(frozen=True)
class Run:
    """A training's folder on disk."""

    path: Path

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.resolve().name

    @property
    def recipe_file(self) -> Path:
        """The resolved recipe."""
        return self.path / "recipe.json"

    @property
    def environment_file(self) -> Path:
        """Versions and hardware."""
        return self.path / "environment.json"

    @property
    def data_file(self) -> Path:
        """Which data, from where."""
        return self.path / "data.json"

    @property
    def command_file(self) -> Path:
        """The command that makes this run again."""
        return self.path / "command.txt"

    @property
    def state_file(self) -> Path:
        """Format, version and state."""
        return self.path / "run.json"

    @property
    def history_file(self) -> Path:
        """One line an epoch."""
        return self.path / "history.csv"

    @property
    def model_file(self) -> Path:
        """The whole model, best on validation."""
        return self.path / "model.keras"

    @property
    def last_weights_file(self) -> Path:
        """The last epoch's weights."""
        return self.path / "last.weights.h5"

    @property
    def checkpoint_file(self) -> Path:
        """Everything that resuming needs."""
        return self.path / "checkpoint.npz"

    @property
    def tensorboard_dir(self) -> Path:
        """TensorBoard's events."""
        return self.path / "tensorboard"

    @property
    def figures_dir(self) -> Path:
        """Pictures of the evaluation."""
        return self.path / "figures"

    @property
    def report_file(self) -> Path:
        """The run's own report."""
        return self.path / "report.html"

    @property
    def looks_file(self) -> Path:
        """Every look at a held-out split."""
        return self.path / "looks.json"

    def predictions_file(self, split: str) -> Path:
        """What the model said about every image of `split`."""
        return self.path / f"predictions-{split}.npz"

    def scores_file(self, split: str) -> Path:
        """The numbers about `split`."""
        return self.path / ("scores.json" if split == "test" else f"scores-{split}.json")

    @property
    def recipe(self) -> recipe.Recipe:
        """The recipe that was trained."""
        return recipe.from_dict(files.read_json(self.recipe_file))

    @property
    def data(self) -> dict[str, Any]:
        """What `data.json` says: name, location, how, checksums, data_dir."""
        return dict(files.read_json(self.data_file))

    @property
    def environment(self) -> dict[str, Any]:
        """What `environment.json` says."""
        return dict(files.read_json(self.environment_file))

    @property
    def command(self) -> str:
        """The command that makes this run again."""
        return self.command_file.read_text(encoding="utf-8").strip()

    @property
    def state(self) -> dict[str, Any]:
        """What `run.json` says: format, version, state, why, started, changed, process, host."""
        return dict(files.read_json(self.state_file))

    def set_state(self, state: str, why: str = "") -> None:
        """Record that the run is running, finished, stopped or failed, and why."""
        if state not in STATES:
            raise ValueError(f"state must be one of {STATES}. Received: {state!r}")
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        started = self.state["started"] if self.state_file.is_file() else now
        values = {"format": FORMAT, "cifarlab": cifarlab.__version__, "state": state, "why": why}
        owner = {"process": os.getpid(), "host": platform.node()}
        files.write_json(self.state_file, {**values, "started": started, "changed": now, **owner})

    def is_being_trained(self) -> bool:
        """Whether another process on this machine is training the run right now."""
        state = self.state
        process = state.get("process")
        elsewhere = state.get("host") != platform.node() or os.name != "posix"
        if state["state"] != "running" or elsewhere or process in (None, os.getpid()):
            return False
        try:
            os.kill(process, 0)  # signal 0 only asks whether the process is there
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True

    def history(self) -> list[dict[str, float]]:
        """One dictionary an epoch, numbers only; empty before the first epoch ends."""
        if not self.history_file.is_file():
            return []
        with self.history_file.open(encoding="utf-8", newline="") as file:
            return [{key: float(value) for key, value in row.items() if value} for row in csv.DictReader(file)]

    def write_history(self, rows: list[Mapping[str, float]]) -> None:
        """Replace the history; columns are those of the first row."""
        if rows:
            files.write_csv(self.history_file, rows, rows[0])

    def scores(self, split: str = "test") -> dict[str, Any]:
        """The numbers about `split`.

        Raises:
            CifarlabError: If the run has not been evaluated on `split`.
        """
        if not self.scores_file(split).is_file():
            raise CifarlabError(f"{self.path} has no scores on {split}: run cifarlab evaluate {self.path}")
        return dict(files.read_json(self.scores_file(split)))

    def record_look(self, split: str, why: str) -> int:
        """Remember that somebody looked at `split`.

        Returns:
            How many looks there have been, this one included.
        """
        looks = self.looks()
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        looks.append({"split": split, "when": now, "why": why})
        files.write_json(self.looks_file, looks)
        return sum(look["split"] == split for look in looks)

    def looks(self) -> list[dict[str, str]]:
        """Every recorded look: split, when, why."""
        return list(files.read_json(self.looks_file)) if self.looks_file.is_file() else []


def create_run(root: Path, name: str) -> Run:
    """Make a new run folder; an existing one is never touched, a number is added instead.

    Args:
        root: The folder of all runs.
        name: Wanted folder name: letters, digits, `.`, `_` and `-`.

    Raises:
        CifarlabError: If the name is not a folder name or the disk cannot be written.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise CifarlabError(f"a run's name is made of letters, digits, '.', '_' and '-'. Received: {name!r}")
    for number in itertools.count(1):
        path = root / (name if number == 1 else f"{name}-{number}")
        try:
            root.mkdir(parents=True, exist_ok=True)
            path.mkdir()
        except FileExistsError:
            if not root.is_dir():
                raise CifarlabError(f"{root} is not a folder: give another one as --runs-dir") from None
            continue
        except OSError as error:
            raise CifarlabError(f"cannot make {path}: {error.strerror}; choose another folder as --runs-dir") from error
        return Run(path)
    raise AssertionError("unreachable")


def open_run(path: str | os.PathLike[str], *, needs_model: bool = False) -> Run:
    """An existing run, checked.

    Args:
        path: The run's folder.
        needs_model: Also demand the trained model.

    Raises:
        CifarlabError: If the folder is missing, not a run, incomplete or of another format.
    """
    run = Run(Path(path))
    if not run.path.is_dir():
        raise CifarlabError(f"no run at {path}: expected a folder that cifarlab train made")
    if not run.state_file.is_file():
        raise CifarlabError(f"{path} is not a run: it has no run.json; expected a folder that cifarlab train made")
    found = run.state.get("format")
    if found != FORMAT:
        version = run.state.get("cifarlab", "unknown")
        raise CifarlabError(
            f"{path} was written by cifarlab {version} in format {found}, this is cifarlab {cifarlab.__version__} "
            f"with format {FORMAT}: open it with that version, or train it again"
        )
    needed = [run.recipe_file, run.data_file, run.environment_file]
    missing = [file.name for file in needed + ([run.model_file] if needs_model else []) if not file.is_file()]
    if missing:
        state = run.state.get("state")
        resume = f"continue it with cifarlab train --resume {path}" if run.checkpoint_file.is_file() else "train again"
        raise CifarlabError(f"{path} is incomplete ({state}): it lacks {', '.join(missing)}; {resume}")
    return run
