"""Runs that enter a comparison: their predictions for the same images, in the same order."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifarlab import builtin, metrics
from cifarlab.errors import CifarlabError
from cifarlab.records import Predictions, are_other_pictures
from cifarlab.runs import Run
from cifarlab.wording import counted


def enter(
    runs: Sequence[Run | str | os.PathLike[str]], split: str, runs_dir: str | os.PathLike[str] = "runs"
) -> "list[Entrant]":
    """Open the runs and read what they said about the same images.

    Raises:
        CifarlabError: If there are fewer than two runs, one is given twice or has no predictions for `split`, or they
            were evaluated on different images, labels or class names.
        StaleError: If a run has been trained further since it was evaluated.
    """
    opened = [builtin.open_evaluated(run, runs_dir=runs_dir) for run in runs]
    if len(opened) < 2:
        raise CifarlabError(f"a comparison needs at least two runs. Received: {len(opened)}")
    twice = [path for path, times in Counter(run.path.resolve() for run in opened).items() if times > 1]
    if twice:
        raise CifarlabError(f"{twice[0]} is given more than once: expected different runs")
    times = Counter(run.name for run in opened)
    read = [run.predictions_with_notices(split) for run in opened]
    first = read[0][0]
    if len(first) == 0:
        raise CifarlabError(f"{opened[0].path} has predictions for no {split} images: expected at least one")
    return [
        Entrant(
            name=run.name if times[run.name] == 1 else str(run.path),
            path=str(run.path),
            predictions=_align(first, predictions, opened[0], run),
            notices=tuple(notices),
        )
        for run, (predictions, notices) in zip(opened, read, strict=True)
    ]


@dataclass(frozen=True, eq=False)
class Entrant:
    """A run in a comparison.

    Attributes:
        name: Its folder's name; its path where another run has the same.
        path: Its folder.
        predictions: Its answers, in the order of the first entrant's.
        notices: What a reader must know of them.
    """

    name: str
    path: str
    predictions: Predictions
    notices: tuple[str, ...] = ()

    @property
    def right(self) -> NDArray[np.bool_]:
        """`(N,)` bool: which images it recognised."""
        return np.asarray(self.predictions.predicted == self.predictions.labels)

    def describe(self) -> dict[str, Any]:
        """Name, path, accuracy and macro F1, ready for JSON."""
        numbers = {name: metrics.measure(name, self.predictions).as_dict() for name in ("accuracy", "macro_f1")}
        return {"run": self.name, "path": self.path, **numbers}


def _align(reference: Predictions, other: Predictions, reference_run: Run, run: Run) -> Predictions:
    """`other` in the order of `reference`, or one line that says why they cannot be compared."""
    both = f"{reference_run.path} and {run.path}"
    if reference.class_names != other.class_names:
        names = f"{_shown(reference.class_names)} against {_shown(other.class_names)}"
        raise CifarlabError(
            f"{both} are of different data, with different classes ({names}): compare runs on the same data"
        )
    missing = np.setxor1d(reference.ids, other.ids)
    if len(missing):
        raise CifarlabError(
            f"{both} were evaluated on different images ({len(reference):,} and {len(other):,}; {str(missing[0])!r} is "
            "in one only): evaluate both on the same data"
        )
    order = np.empty(len(reference), np.int64)
    order[np.argsort(reference.ids)] = np.argsort(other.ids)
    origin = None if other.origin is None else other.origin.take(order)
    aligned = Predictions(other.ids[order], other.labels[order], other.logits[order], other.class_names, origin)
    differing = np.flatnonzero(aligned.labels != reference.labels)
    if len(differing):
        many = counted(len(differing), "image")
        first = str(reference.ids[differing[0]])
        raise CifarlabError(
            f"{both} were evaluated with different labels ({many}, {first!r} among them): evaluate both "
            "on the same data"
        )
    if are_other_pictures(reference, other):
        raise CifarlabError(
            f"{both} were evaluated on other pictures under the same names: the data were altered in between; run "
            f"cifarlab evaluate on both again"
        )
    return aligned


def _shown(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f", ... {len(names)} in all" if len(names) > 3 else "")
