"""One run as the table of runs shows it, read from the files in its folder."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from cifarlab.evaluation.comparison import seeds
from cifarlab.runs import Run
from cifarlab.runs.layout import evaluate_command
from cifarlab.runs.notes import Notes
from cifarlab.runs.scores import Scores

SPLITS = ("test", "validation")
"""What a run is shown on, the test images first."""
# Whatever else lies in a run's folder decides nothing that is shown.
_READ = (".json", ".csv", ".npz", ".txt", ".keras")
_NEVER = ("checkpoint.npz", "checkpoint-earlier.npz", "dynamics.npz", "features-train.npz")
# Without these a model is not asked about anything; `cifarlab evaluate` reads the history on validation.
_NEEDED = ("run.json", "recipe.json", "data.json", "environment.json")

T = TypeVar("T")
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
        epochs: How many are done; None where its `history.csv` is damaged.
        best: Best accuracy on validation, and in which epoch; None where nothing was held out.
        scores: What `scores.json` says, for each split that was evaluated.
        stale: For each split whose scores are of an earlier model, and which is not among `scores` therefore, a
            sentence with the command that makes them anew.
        damaged: Its files that cannot be used, each with the sentence that says why; everything else is shown.
        notes: Tags and note.
        temperature: By which its model was calibrated; None where it was not, or another model was.
        labels: Checksum of the labels file that it learned by; empty where its labels are as published.
        corrections: Verdict to how many of its training and validation images got it from that file.
    """

    run: Run
    signature: Signature
    state: str
    why: str = ""
    started: str = ""
    data: str = ""
    model: str = ""
    recipe: dict[str, Any] = field(default_factory=dict)
    epochs: int | None = 0
    planned: int = 0
    best: tuple[float, int] | None = None
    scores: dict[str, Scores] = field(default_factory=dict)
    stale: dict[str, str] = field(default_factory=dict)
    parameters: int | None = None
    seconds: float | None = None
    damaged: Mapping[str, str] = field(default_factory=dict)
    notes: Notes = field(default_factory=Notes)
    temperature: float | None = None
    labels: str = ""
    corrections: Mapping[str, int] = field(default_factory=dict)

    @property
    def problem(self) -> str:
        """What is wrong with its files; or empty."""
        return "; ".join(self.damaged.values())

    @cached_property
    def written(self) -> dict[str, str]:
        """Its settings as text, by which runs are compared."""
        return {name: repr(value) for name, value in self.recipe.items()}

    @cached_property
    def same_but_seed(self) -> str:
        """Equal for runs whose recipes, data and labels are the same but for the seed."""
        return seeds.same_but_seed(self.recipe, self.data, self.labels)

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
        """The splits with both scores and predictions that can be used."""
        files = {split: self.run.predictions_file(split) for split in SPLITS if split in self.scores}
        return [split for split, file in files.items() if file.is_file() and file.name not in self.damaged]

    @property
    def held_out(self) -> list[str]:
        """The splits that it did not learn from, as far as its recipe is known; the one to choose by first."""
        return ["test"] if self.recipe.get("validation_fraction") == 0 else ["validation", "test"]

    @property
    def offered(self) -> list[str]:
        """The splits that it can still be evaluated on."""
        if self.no_model:
            return []
        refused = ["validation"] if "history.csv" in self.damaged else []
        return [split for split in self.held_out if split not in (*self.evaluated, *refused)]

    @property
    def spoilt(self) -> list[str]:
        """The splits whose scores or predictions are damaged, and that evaluating again mends."""
        files = {split: (self.run.scores_file(split), self.run.predictions_file(split)) for split in self.offered}
        return [split for split in files if any(file.name in self.damaged for file in files[split])]

    @property
    def resumable(self) -> bool:
        """Whether its training can go on."""
        return self.state in ("stopped", "failed") and not self.unfit and self.run.has_checkpoint()

    @property
    def calibratable(self) -> bool:
        """Whether a temperature can be fitted that has not been yet."""
        return not self.no_model and "validation" in self.held_out and self.temperature is None

    @property
    def unfit(self) -> str:
        """Why nothing can be done with it: files that everything needs are damaged; or empty."""
        return "; ".join(sentence for name, sentence in self.damaged.items() if name in _NEEDED)

    @property
    def no_model(self) -> str:
        """Why its model cannot be asked about anything, and what to do; or empty."""
        file = self.run.model_file
        if self.unfit or file.name in self.damaged:
            return self.unfit or self.damaged[file.name]
        if self.state == "running":
            return f"{self.name} has no trained model yet: wait until its training has ended"
        if file.is_file():
            return ""
        way = "resume its training" if self.resumable else "restore the file, or train it again"
        return f"{self.name} has no model: expected {file}; {way}"

    def no_scores(self, split: str) -> tuple[str, str]:
        """Why there are no numbers on a split: in two or three words, and in a sentence that says what to do."""
        files = self.run.model_file, self.run.scores_file(split), self.run.predictions_file(split)
        found = next((file.name for file in files if file.name in self.damaged), "")
        if found:
            return f"{found} damaged", self.damaged[found]
        if split in self.stale:
            return "of an earlier model", self.stale[split]
        command = evaluate_command([self.run.path], split)
        return "not evaluated", self.no_model or f"{self.name} has not been evaluated on {split}: run {command}"


def say_unevaluated(summaries: Sequence[RunSummary], split: str) -> str:
    """About runs that have no numbers on a split: which, and the command that makes these and no others."""
    told = [summary.no_scores(split) for summary in summaries]
    if any(short != "not evaluated" for short, _ in told) or any(summary.no_model for summary in summaries):
        return "; ".join(sentence for _, sentence in told)
    names, verb = ", ".join(summary.name for summary in summaries), "has" if len(summaries) == 1 else "have"
    command = evaluate_command([summary.run.path for summary in summaries], split)
    return f"{names} {verb} not been evaluated on {split}: run {command}"


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
