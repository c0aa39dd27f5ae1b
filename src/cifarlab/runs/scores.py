"""Scores: every number that evaluation gives about predictions, as `scores.json` holds them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cifarlab.runs.layout import with_tta
from cifarlab.utils.json_data import OPTIONAL
from cifarlab.utils.result_tables import ResultTable, Shown, as_limits, as_number, as_title
from cifarlab.utils.results import ClassScores, Interval
from cifarlab.utils.text import counted

FORMAT = 1


@dataclass(frozen=True)
class OverlapSummary:
    """How many of the images a model was trained on, or chosen by.

    Attributes:
        renamed: Under the name of a training image, with other pixels.
        chosen_by: Validation images that the best epoch was chosen by.
        examples: Ids of the first.
        accuracy_without: Accuracy on all others; None where there are no others.
    """

    count: int
    copies: int
    renamed: int
    chosen_by: int
    examples: tuple[str, ...]
    accuracy_without: Interval | None


@dataclass(frozen=True)
class CalibratedScores:
    """What a run's temperature changes: loss and expected calibration error at it."""

    temperature: float
    loss: Interval
    expected_calibration_error: Interval


@dataclass(frozen=True)
class LayerActivity:
    """How often the units of a hidden activation answer.

    Attributes:
        active: Share of all pairs of unit and image with an output above 0.
    """

    layer: str
    units: int
    dead: int
    active: float


@dataclass(frozen=True)
class Activity:
    """The hidden activations of a dense network, from pixels to logits, counted over so many images."""

    images: int
    layers: tuple[LayerActivity, ...]


@dataclass(frozen=True, kw_only=True)
class Scores(Shown):
    """Every number about predictions of N images and K classes, and what they are of.

    Attributes:
        run: The run's name, or that of the file from elsewhere; None of plain arrays, as all up to `tta`.
        data: The data set, or the file of labels.
        split: Which of its images.
        images: Their fingerprint.
        model_checksum: Of the model that answered.
        tta: Test-time augmentation; `"none"` is single-view.
        looks: How often this split of these data has been looked at, this time included, with whichever test-time
            augmentation; None where nobody counts.
        looks_in_making: How many of these while the model was made: 0 but for the built-in model, which brings them.
        notices: Sentences about what a reader must know.
        count: N.
        class_names: In the order of the labels.
        accuracy: A fraction; None without images.
        loss: Mean cross-entropy in nats, without label smoothing; None where only classes are known.
        scores: Metric name to its value and interval; undefined where it needs probabilities and there are none.
        per_class: For each class.
        confusion_matrix: K x K counts, rows true, columns predicted.
        overlap: Where the model was trained on some of the images: on how many.
        calibrated: Where the run has been calibrated, and this is single-view.
        human: Beside what people called the images: see `human_labels.compare_with_humans`.
        activity: Of a dense network, single-view.
        labels: Where `evaluate` was given a labels file: which one, and how many verdicts of each kind were used.
    """

    run: str | None = field(default=None, metadata=OPTIONAL)
    data: str | None = field(default=None, metadata=OPTIONAL)
    split: str | None = field(default=None, metadata=OPTIONAL)
    images: str | None = field(default=None, metadata=OPTIONAL)
    model_checksum: str | None = field(default=None, metadata=OPTIONAL)
    tta: str | None = field(default=None, metadata=OPTIONAL)
    looks: int | None = None
    looks_in_making: int | None = field(default=None, metadata=OPTIONAL)
    notices: tuple[str, ...] = ()
    format: int = FORMAT
    count: int = 0
    class_names: tuple[str, ...] = ()
    accuracy: float | None
    loss: float | None = None
    scores: Mapping[str, Interval]
    per_class: tuple[ClassScores, ...] = ()
    confusion_matrix: tuple[tuple[int, ...], ...] = ()
    overlap: OverlapSummary | None = field(default=None, metadata=OPTIONAL)
    calibrated: CalibratedScores | None = field(default=None, metadata=OPTIONAL)
    human: Mapping[str, Any] | None = field(default=None, metadata=OPTIONAL)
    activity: Activity | None = field(default=None, metadata=OPTIONAL)
    labels: Mapping[str, Any] | None = field(default=None, metadata=OPTIONAL)

    @property
    def which_images(self) -> str:
        """`10,000 test images of cifar10, TTA flip`; test-time augmentation and corrected labels are always named."""
        of = f" of {self.data}" if self.data else ""
        how = with_tta(self.tta) + (", corrected labels" if self.labels else "")
        return f"{counted(self.count, f'{self.split} image' if self.split else 'image')}{of}{how}"

    @property
    def shown(self) -> list[str]:
        """Names of the scores as they are shown: accuracy and loss first; top-3 only where it can be wrong."""
        first = [name for name in ("accuracy", "negative_log_likelihood") if name in self.scores]
        names = [*first, *(name for name in self.scores if name not in first)]
        return [name for name in names if name != "top3_accuracy" or _is_told(self.scores[name])]

    def table(self) -> ResultTable:
        """Every score with its interval."""
        rows = [
            (as_title(name), as_number(name, self.scores[name]), as_limits(self.scores[name], name))
            for name in self.shown
        ]
        title = f"{self.run}: {self.which_images}" if self.run else self.which_images
        return ResultTable(("score", "value", "95 % interval"), rows, title, self.notices)


def _is_told(score: Interval) -> bool:
    return as_number("top3_accuracy", score) != "undefined"
