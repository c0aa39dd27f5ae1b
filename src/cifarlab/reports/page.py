"""What a report is about: the runs with everything they recorded, and the pictures of the data they saw."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifarlab.evaluation.human_labels import HumanLabels, open_human_labels, score_with_humans
from cifarlab.plots import series_colour
from cifarlab.recipes import settings_of
from cifarlab.reports.pictures import Pictures
from cifarlab.reports.weights import read_first_layer
from cifarlab.runs import Run, pretrained_run, training_seconds, unique_names
from cifarlab.runs.layout import evaluate_command
from cifarlab.runs.predictions import Predictions
from cifarlab.runs.scores import Scores
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.results import Interval
from cifarlab.utils.text import few

SPLITS = ("test", "validation")


@dataclass(frozen=True)
class RunRecord:
    """One run, read once.

    Attributes:
        label: Its name, made unique on this page.
        index: Its place on the page, which decides its colour.
        scores: Its numbers on the page's split.
        predictions: Its answers on the page's split.
        history: One dictionary an epoch.
        recipe: The recipe's fields, those of the model as `model.<name>`.
    """

    run: Run
    label: str
    index: int
    scores: Scores
    predictions: Predictions
    history: list[dict[str, float]]
    environment: dict[str, Any]
    data: dict[str, Any]
    recipe: dict[str, Any]

    @property
    def colour(self) -> str:
        """The run's colour, as CSS."""
        return colour_of(self.index)

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names in the order of the labels."""
        return self.predictions.class_names

    @property
    def command(self) -> str:
        """The command that makes the run again; empty where it was not recorded."""
        return self.run.command if self.run.command_file.is_file() else ""

    @property
    def training_seconds(self) -> float | None:
        """How long its epochs took; None where nothing tells."""
        return training_seconds(self.environment, self.history)

    @cached_property
    def first_layer(self) -> NDArray[np.float32] | None:
        """`(units, H, W, C)`: weights of a dense first layer; None where there is none. Raises for a broken file."""
        return read_first_layer(self.run.model_file) if self.run.model_file.is_file() else None

    def value(self, name: str) -> Interval | None:
        """A scalar score with its interval; None where this run has none of that name."""
        return self.scores.scores.get(name)


@dataclass(frozen=True)
class Page:
    """Everything that a section can show.

    Attributes:
        runs: At least one, in the order they were given.
        notice: One sentence for the top of the page, or empty.
        pictures: The images themselves, as far as they can be had.
        humans: What people called the images, where that is known.
        stories: Image's id to the address of the page about it, where there is one.
    """

    runs: tuple[RunRecord, ...]
    split: str
    notice: str
    pictures: Pictures
    humans: HumanLabels | None = None
    stories: Mapping[str, str] = field(default_factory=dict)

    @property
    def leader(self) -> RunRecord:
        """The run with the highest accuracy, the first of equals."""
        return self.leaders[0]

    @property
    def leaders(self) -> list[RunRecord]:
        """The runs with the highest accuracy: one, or several exactly equal ones."""
        highest = max(record.scores.accuracy or 0.0 for record in self.runs)
        return [record for record in self.runs if (record.scores.accuracy or 0.0) == highest]

    @property
    def notices(self) -> list[str]:
        """What evaluation found that a reader must know, of all runs."""
        return list(dict.fromkeys(notice for record in self.runs for notice in record.scores.notices))

    @property
    def several(self) -> bool:
        """Whether runs are compared."""
        return len(self.runs) > 1

    @property
    def apart(self) -> str:
        """What must be said beside every axis and headline of runs of different data sets; else empty."""
        return say_apart({record.label: str(record.data.get("name", "")) for record in self.runs})

    def amount(self, alone: int, compared: int) -> int:
        """How many things to show of each run: fewer where runs share the page."""
        return compared if self.several else alone


def say_apart(data: Mapping[str, str]) -> str:
    """One sentence about runs of different data sets, whose numbers are not of one kind; empty where all are of one.

    Args:
        data: A run's name to that of its data set; empty while that is unknown.
    """
    runs: dict[str, list[str]] = {}
    for run, name in data.items():
        if name:
            runs.setdefault(name, []).append(run)
    if len(runs) < 2:
        return ""
    listed = "; ".join(f"{few(names, 3)} on {name}" for name, names in runs.items())
    return f"These runs are of different data sets ({listed}): their numbers do not say which run is better."


def colour_of(index: int) -> str:
    """The colour of the run at `index`, as CSS: the page's own, which is another at night, or that of the figures."""
    return f"var(--figure-series-{index % 6 + 1}, {series_colour(index)})"


def open_page(
    runs: Sequence[Run | str | os.PathLike[str]],
    split: str = "test",
    data_dir: Path | None = None,
    notice: str = "",
    human_labels: str | os.PathLike[str] | None = None,
    runs_dir: str | os.PathLike[str] = "runs",
) -> Page:
    """Read the runs and find their pictures.

    Raises:
        CifarlabError: If there is no run, one is missing, one has not been evaluated on `split`, or the human labels
            are not about its images.
    """
    if split not in SPLITS:
        raise CifarlabError(f"unknown split {split!r}: a report is about one of: {', '.join(SPLITS)}")
    opened = [pretrained_run.open_evaluated(run, runs_dir=runs_dir) for run in runs]
    if not opened:
        raise CifarlabError("a report needs at least one run: give the folder of one that cifarlab train made")
    places = [run.path.resolve() for run in opened]
    opened = [run for number, run in enumerate(opened) if places[number] not in places[:number]]
    labels = unique_names(opened)
    records = [_read(run, label, index, split) for index, (run, label) in enumerate(zip(opened, labels, strict=True))]
    humans = None if human_labels is None else _open_humans(records, split, human_labels)
    pictures = Pictures(split, data_dir)
    for record in records:
        pictures.add_data(record.data, record.predictions, record.run.recipe)
    return Page(tuple(records), split, notice, pictures, humans)


def _read(run: Run, label: str, index: int, split: str) -> RunRecord:
    scores = run.scores(split)
    predictions = run.predictions(split)
    check_together(run, split, scores, predictions)
    fields = settings_of(run.recipe)
    return RunRecord(run, label, index, scores, predictions, run.history(), run.environment, run.data, fields)


def check_together(run: Run, split: str, scores: Scores, predictions: Predictions) -> None:
    """Make sure that a run's scores are those of its predictions: one of the two files may be of another evaluation.

    Args:
        run: Whose they are.
        split: The part that they are about.
        scores: As `Run.scores` gives them.
        predictions: As `Run.predictions` gives them.

    Raises:
        CifarlabError: If they are not, with the command that makes both anew.
    """
    needed = ("accuracy", "loss", "per_class", "confusion_matrix") if len(predictions) else ()
    missing = [key for key in needed if getattr(scores, key) in (None, ())]
    images = predictions.origin and predictions.origin.images
    right = int((predictions.predicted == predictions.labels).sum())
    if missing:
        wrong = f"they lack {', '.join(missing)}"
    elif scores.count != len(predictions) or (images and scores.images not in (None, images)):
        wrong = "they are not about the same images"
    elif scores.accuracy is not None and round(scores.accuracy * len(predictions)) != right:
        wrong = f"they say accuracy {scores.accuracy:.4f}, but {right:,} of {len(predictions):,} are correct"
    else:
        return
    raise CifarlabError(
        f"the scores of {run.path} do not belong to its predictions ({wrong}): run "
        f"{evaluate_command([run.path], split)}"
    )


def _open_humans(records: Sequence[RunRecord], split: str, path: str | os.PathLike[str]) -> HumanLabels:
    """The counts, once they are sure to be about the images of every run."""
    found = [open_human_labels(Path(path), str(record.data["name"]), split) for record in records]
    for record, humans in zip(records, found, strict=True):
        score_with_humans(record.predictions, humans)
    return found[0]
