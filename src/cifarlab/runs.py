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
predictions-<split>.npz, scores.json (test; other splits scores-<split>.json), looks.json, figures/, report.html;
    on other data than the run's own predictions-<split>-<data>.npz, scores-<split>-<data>.json
"""

import csv
import datetime
import hashlib
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

    def predictions_file(self, split: str, data: str | None = None) -> Path:
        """What the model said about every image of `split`, of the run's own data or of another data set."""
        return self.path / f"predictions-{split}{self._suffix(data)}.npz"

    def scores_file(self, split: str, data: str | None = None) -> Path:
        """The numbers about `split`, of the run's own data or of another data set."""
        suffix = self._suffix(data)
        return self.path / ("scores.json" if split == "test" and not suffix else f"scores-{split}{suffix}.json")

    def _suffix(self, data: str | None) -> str:
        """What tells the files about another data set apart: its name, made fit for a file name; empty for its own."""
        if data is None or data == self.data_name:
            return ""
        slug = re.sub(r"[^A-Za-z0-9_]+", "-", data).strip("-")[:40]
        return f"-{data}" if slug == data else f"-{slug}-{hashlib.sha256(data.encode()).hexdigest()[:8]}"

    @property
    def recipe(self) -> recipe.Recipe:
        """The recipe that was trained."""
        return recipe.from_dict(files.read_json(self.recipe_file))

    @property
    def data(self) -> dict[str, Any]:
        """What `data.json` says: name, location, how, checksums, data_dir."""
        return _read_object(self.data_file, "name")

    @property
    def data_name(self) -> str:
        """The data set that the run was trained on."""
        return str(self.data["name"])

    @property
    def environment(self) -> dict[str, Any]:
        """What `environment.json` says."""
        return _read_object(self.environment_file)

    @property
    def command(self) -> str:
        """The command that makes this run again."""
        return self.command_file.read_text(encoding="utf-8").strip()

    @property
    def state(self) -> dict[str, Any]:
        """What `run.json` says: format, version, state, why, started, changed, process, host."""
        return _read_object(self.state_file, "format", "state", "started")

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
        except OSError as error:
            return isinstance(error, PermissionError)  # somebody else's; without it there is no such process
        return not _has_ended(process)

    def history(self) -> list[dict[str, float]]:
        """One dictionary an epoch, numbers only; empty before the first epoch ends."""
        if not self.history_file.is_file():
            return []
        try:
            with self.history_file.open(encoding="utf-8", newline="") as file:
                return [{key: float(value) for key, value in row.items() if value} for row in csv.DictReader(file)]
        except (ValueError, TypeError, OSError) as error:
            raise CifarlabError(
                f"cannot read {self.history_file}: expected numbers under a header ({error})"
            ) from error

    def write_history(self, rows: list[Mapping[str, float]]) -> None:
        """Replace the history; columns are those of the first row."""
        if rows:
            files.write_csv(self.history_file, rows, rows[0])

    def scores(self, split: str = "test") -> dict[str, Any]:
        """The numbers about `split` of the run's own data.

        Raises:
            CifarlabError: If the run has not been evaluated on `split`.
        """
        if not self.scores_file(split).is_file():
            raise CifarlabError(f"{self.path} has no scores on {split}: run cifarlab evaluate {self.path}")
        return _read_object(self.scores_file(split), "accuracy", "scores")

    def record_look(self, split: str, why: str, data: str | None = None) -> int:
        """Remember that somebody looked at `split`, of the run's own data or of another data set.

        Returns:
            How many looks at these images there have been, this one included.
        """
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        look = {"split": split, "data": data or self.data_name, "when": now, "why": why}
        files.write_json(self.looks_file, looks := [*self.looks(), look])
        return sum((each["split"], each["data"]) == (split, look["data"]) for each in looks)

    def looks(self) -> list[dict[str, str]]:
        """Every recorded look: split, data (the run's own where the record says none), when, why."""
        looks = files.read_json(self.looks_file) if self.looks_file.is_file() else []
        return [{"data": self.data_name, **look} for look in looks]


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
    stored = files.read_json(run.state_file)
    found = stored.get("format") if isinstance(stored, dict) else None
    if found != FORMAT:
        version = stored.get("cifarlab", "unknown") if isinstance(stored, dict) else "unknown"
        raise CifarlabError(
            f"{path} was written by cifarlab {version} in format {found}, this is cifarlab {cifarlab.__version__} "
            f"with format {FORMAT}: open it with that version, or train it again"
        )
    needed = [run.recipe_file, run.data_file, run.environment_file]
    missing = [file.name for file in needed + ([run.model_file] if needs_model else []) if not file.is_file()]
    if missing:
        state = run.state["state"]
        resumable = run.checkpoint_file.is_file() and state != "finished"
        resume = f"continue it with cifarlab train --resume {path}" if resumable else "train it again"
        raise CifarlabError(f"{path} is incomplete ({state}): it lacks {', '.join(missing)}; {resume}")
    return run


def _read_object(path: Path, *keys: str) -> dict[str, Any]:
    """A JSON object that holds at least these keys."""
    value = files.read_json(path)
    missing = [key for key in keys if not isinstance(value, dict) or key not in value]
    if missing or not isinstance(value, dict):
        raise CifarlabError(f"{path} is damaged: expected an object with {', '.join(keys) or 'values'}; train it again")
    return value


def _has_ended(process: int) -> bool:
    """Whether a process that still has a number has ended and only waits for its parent to notice (Linux)."""
    status = Path(f"/proc/{process}/stat")
    return status.is_file() and status.read_text().rpartition(")")[2].split()[0] in ("Z", "X")
