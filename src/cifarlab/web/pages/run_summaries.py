"""One run as the table of runs shows it, read from the files in its folder."""

import contextlib
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cifarlab.plots.training_curves import best_epoch
from cifarlab.recipes import settings_of
from cifarlab.runs import Run, training_seconds
from cifarlab.runs.derived import StaleError
from cifarlab.runs.layout import evaluate_command
from cifarlab.runs.scores import Scores
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.files import read_object
from cifarlab.utils.formats import unstamped

SPLITS = ("test", "validation")
"""What a run is shown on, the test images first."""
LOST = "its process has ended without a word; continue it with cifarlab train --resume"
# Whatever else lies in a run's folder decides nothing that is shown.
_READ = (".json", ".csv", ".npz", ".txt", ".keras")
_NEVER = ("checkpoint.npz", "checkpoint-earlier.npz", "dynamics.npz", "features-train.npz")

Signature = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class RunSummary:
    """A run at a glance.

    Attributes:
        signature: Changes when any of its files does.
        state: `"running"`, `"finished"`, `"stopped"` or `"failed"`.
        why: Why it is not running or finished; or empty.
        started: When, as written; or empty.
        data: Name of its data set; empty while unknown.
        recipe: Its recipe's fields, those of the model as `model.<name>`.
        best: Best accuracy on validation, and in which epoch; None where nothing was held out.
        scores: What `scores.json` says, for each split that was evaluated.
        stale: For each split whose scores are of an earlier model, and which is not among `scores` therefore, a
            sentence with the command that makes them anew.
        problem: What is wrong with its files; or empty.
    """

    run: Run
    signature: Signature
    state: str
    why: str = ""
    started: str = ""
    data: str = ""
    model: str = ""
    recipe: dict[str, Any] = field(default_factory=dict)
    epochs: int = 0
    planned: int = 0
    best: tuple[float, int] | None = None
    scores: dict[str, Scores] = field(default_factory=dict)
    stale: dict[str, str] = field(default_factory=dict)
    parameters: int | None = None
    seconds: float | None = None
    problem: str = ""

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.run.path.name

    @property
    def address(self) -> str:
        """Its page."""
        return f"/runs/{quote(self.name, safe='')}"

    @property
    def accuracy(self) -> float | None:
        """On test, once evaluated."""
        return self.scores["test"].accuracy if "test" in self.scores else None

    @property
    def loss(self) -> float | None:
        """On test, once evaluated."""
        return self.scores["test"].loss if "test" in self.scores else None

    @property
    def evaluated(self) -> list[str]:
        """The splits with both scores and predictions."""
        return [split for split in SPLITS if split in self.scores and self.run.predictions_file(split).is_file()]

    @property
    def held_out(self) -> list[str]:
        """The splits that it did not learn from, as far as its recipe is known; the one to choose by first."""
        return ["test"] if self.recipe.get("validation_fraction") == 0 else ["validation", "test"]

    @property
    def offered(self) -> list[str]:
        """The splits that it can still be evaluated on."""
        if self.state == "running" or self.problem or not self.run.model_file.is_file():
            return []
        return [split for split in self.held_out if split not in self.evaluated]


def say_unevaluated(summaries: Sequence[RunSummary], split: str) -> str:
    """About runs that have no numbers on a split: which, and the command that makes these and no others."""
    stale = [summary.stale[split] for summary in summaries if split in summary.stale]
    if stale:
        return "; ".join(stale)
    names, verb = ", ".join(summary.name for summary in summaries), "has" if len(summaries) == 1 else "have"
    command = evaluate_command([summary.run.path for summary in summaries], split)
    return f"{names} {verb} not been evaluated on {split}: run {command}"


def read_summary(run: Run, signature: Signature) -> RunSummary | None:
    """The run in a folder, as far as its files go; None where it is no run at all."""
    if not run.state_file.is_file():
        return None
    try:
        state, why = _state(run)
        started = str(run.state.get("started", ""))
    except (CifarlabError, OSError) as error:
        return RunSummary(run, signature, "failed", problem=str(error))
    try:
        summary = RunSummary(run, signature, state, why, started, **_details(run))
    except (CifarlabError, OSError, ValueError, TypeError, KeyError) as error:
        summary = RunSummary(run, signature, state, why, started, problem=str(error))
    # A training that has just begun writes its files one after the other.
    return replace(summary, problem="") if state == "running" else summary


def is_real_folder(path: Path) -> bool:
    """A folder that really is here: a link could lead anywhere."""
    return path.is_dir() and not path.is_symlink()


def sign(path: Path) -> Signature:
    """Names, times and sizes of what a folder holds, or of one file: another signature means another content."""
    try:
        if path.is_file():
            stat = path.stat()
            return ((path.name, stat.st_mtime_ns, stat.st_size),)
        with os.scandir(path) as content:
            kept = [each for each in content if each.name.endswith(_READ) and each.name not in _NEVER]
            stats = [(each.name, each.stat()) for each in kept]
    except OSError:
        return ()
    return tuple(sorted((name, stat.st_mtime_ns, stat.st_size) for name, stat in stats))


def _state(run: Run) -> tuple[str, str]:
    content = run.state
    state, why = str(content["state"]), str(content.get("why") or "")
    # Of a process on another machine nothing is known here.
    is_ours = content.get("host") == platform.node() and content.get("process") != os.getpid()
    if state == "running" and is_ours and not run.is_being_trained():
        return "stopped", LOST
    return state, why


def _details(run: Run) -> dict[str, Any]:
    settings, problem = _settings(run)
    history, environment = run.history(), run.environment
    best = best_epoch(history)
    planned = settings.get("epochs")
    scores, stale = _scores(run)
    return {
        "data": run.data_name,
        "model": Path(str(settings.get("model", ""))).stem,
        "recipe": settings,
        "epochs": len(history),
        "planned": planned if isinstance(planned, int) else 0,
        "best": None if best is None else (float(best["validation_accuracy"]), int(best["epoch"])),
        "scores": scores,
        "stale": stale,
        "parameters": environment.get("parameters"),
        "seconds": training_seconds(environment, history),
        "problem": problem,
    }


def _scores(run: Run) -> tuple[dict[str, Scores], dict[str, str]]:
    """The scores of each split, and of those that are of an earlier model only that they are."""
    scores: dict[str, Scores] = {}
    stale: dict[str, str] = {}
    for split in SPLITS:
        if run.scores_file(split).is_file():
            try:
                scores[split] = run.scores(split)
            except StaleError as error:
                stale[split] = str(error)
    return scores, stale


def _settings(run: Run) -> tuple[dict[str, Any], str]:
    """The recipe's fields, those of the model as `model.<name>`; of one that is wrong, what it holds, and why."""
    fields: dict[str, Any] = {}
    try:
        return settings_of(run.recipe), ""
    except CifarlabError as error:
        problem = str(error)
    with contextlib.suppress(CifarlabError):
        fields = unstamped(read_object(run.recipe_file))
    model_args = fields.pop("model_args", {})
    named = {f"model.{name}": value for name, value in model_args.items()} if isinstance(model_args, Mapping) else {}
    return {"model": fields.pop("model", ""), **named, **fields}, problem
