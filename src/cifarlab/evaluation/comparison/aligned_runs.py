"""What enters a comparison: runs and models trained elsewhere, with their answers to the same images in one order."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cifarlab import metrics
from cifarlab.evaluation.comparison._alignment import align, counts_rows
from cifarlab.evaluation.external import reading
from cifarlab.runs import Run, pretrained_run
from cifarlab.runs.predictions import Classified
from cifarlab.utils.arrays import Array
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.results import Interval

Comparable = Run | str | os.PathLike[str]


@dataclass(frozen=True)
class RunScores:
    """A run's name, path and scores, as a comparison shows them."""

    run: str
    path: str
    accuracy: Interval
    macro_f1: Interval


@dataclass(frozen=True, eq=False)
class ComparedRun:
    """A run, or a model trained elsewhere, in a comparison.

    Attributes:
        name: Its folder's or file's name; its path where another has the same.
        predictions: Its answers, in the order of the others'.
        notices: What a reader must know of them, or what was assumed.
    """

    name: str
    path: str
    predictions: Classified
    notices: tuple[str, ...] = ()

    @property
    def correct(self) -> Array:
        """`(N,)` bool: which images it classified correctly."""
        return self.predictions.correct

    def score(self) -> RunScores:
        """Accuracy and macro F1."""
        accuracy, macro_f1 = (metrics.measure(name, self.predictions) for name in ("accuracy", "macro_f1"))
        return RunScores(self.name, self.path, accuracy, macro_f1)


def enter(
    runs: Sequence[Comparable],
    split: str,
    runs_dir: str | os.PathLike[str] = "runs",
    labels: str | os.PathLike[str] | None = None,
) -> list[ComparedRun]:
    """Open the runs and files and read what they said about the same images.

    Raises:
        CifarlabError: If there are fewer than two, one is given twice or has no predictions for `split`, or they
            were evaluated on different images, labels or class names.
        StaleError: If a run has been trained further since it was evaluated.
    """
    opened = [_open(run, runs_dir) for run in runs]
    if len(opened) < 2:
        raise CifarlabError(f"a comparison needs at least two runs. Received: {len(opened)}")
    twice = [path for path, times in Counter(each.path.resolve() for each in opened).items() if times > 1]
    if twice:
        raise CifarlabError(f"{twice[0]} is given more than once: expected different runs")
    if labels is not None and not any(isinstance(each, _External) for each in opened):
        raise CifarlabError("--labels belongs to files of predictions: leave it out where all are runs")
    answers = [
        each.read(labels) if isinstance(each, _External) else each.predictions_with_notices(split) for each in opened
    ]
    leader = max(range(len(answers)), key=lambda place: _authority(answers[place][0]))
    if len(answers[leader][0]) == 0:
        raise CifarlabError(f"{opened[leader].path} has predictions for no {split} images: expected at least one")
    times = Counter(each.name for each in opened)
    entrants = []
    for each, (found, notices) in zip(opened, answers, strict=True):
        aligned, told = align(answers[leader][0], found, str(opened[leader].path), str(each.path))
        name = each.name if times[each.name] == 1 else str(each.path)
        entrants.append(ComparedRun(name, str(each.path), aligned, (*notices, *told)))
    return entrants


def notices_of(entrants: Sequence[ComparedRun]) -> tuple[str, ...]:
    """What was assumed about any of them, each sentence once."""
    return tuple(dict.fromkeys(notice for entrant in entrants for notice in entrant.notices))


def _authority(found: Classified) -> tuple[bool, int]:
    """The others follow the first whose ids name its images, and of these one that knows most classes."""
    return len(found) == 0 or not counts_rows(found.ids), len(found.class_names)


@dataclass(frozen=True)
class _External:
    """A file of predictions, or a folder that `evaluate --predictions --output` wrote."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.resolve().name

    def read(self, labels: str | os.PathLike[str] | None) -> tuple[Classified, tuple[str, ...]]:
        """Its predictions; `labels` are for files that hold none."""
        if self.path.is_dir():
            found = reading.read_external(self.path / _STORED)
            return found.predictions, ()  # what was assumed was said when they were written
        found = reading.read_external(self.path, None if labels is None else Path(labels))
        return found.predictions, found.notices


_STORED = "predictions.npz"


def _open(run: Comparable, runs_dir: str | os.PathLike[str]) -> Run | _External:
    if isinstance(run, Run) or pretrained_run.is_builtin(run):
        return pretrained_run.open_evaluated(run, runs_dir=runs_dir)
    path = Path(run)
    written_by_evaluate = (path / _STORED).is_file() and not (path / "run.json").exists()
    if written_by_evaluate or path.is_file() or (path.suffix.lower() in reading.KINDS and not path.is_dir()):
        return _External(path)
    return pretrained_run.open_evaluated(run, runs_dir=runs_dir)
