"""The folds of one training, summed up: their mean accuracy, class by class, and that of all images together.

Each fold's network answers the images that it left out of its training, so that every training image is answered once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from cifarlab.metrics.statistics.intervals import mean_over_folds, share
from cifarlab.runs import Run
from cifarlab.runs.predictions import Predictions
from cifarlab.runs.trained_images import known_images
from cifarlab.utils.arrays import Array
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.result_tables import ResultTable, Shown, as_limits, as_percent, with_limits
from cifarlab.utils.results import Interval
from cifarlab.utils.text import counted, percent

FORMAT = 1
NOTE = (
    "The folds share training images, so that a plain t interval of their mean would be too narrow: it is "
    "corrected for that (Nadeau and Bengio 2003). Each fold's best epoch was chosen on the images that it left out, "
    "which flatters all of these numbers a little; the test images were not looked at."
)


@dataclass(frozen=True)
class FoldScore:
    """One fold.

    Attributes:
        run: Its name.
        fold: Its number, from 0.
        count: Images that it left out.
        accuracy: On these, with Wilson's interval.
    """

    run: str
    fold: int
    count: int
    accuracy: Interval


@dataclass(frozen=True)
class ClassOverFolds:
    """How many of a class's images were recognised.

    Attributes:
        class_name: Its name.
        support: Images of the class, in all folds together.
        mean: Mean recall over the folds that have images of it; None where none has.
        standard_deviation: Of the recall over these folds; None where there are fewer than two.
        recall: Of all its images together, with Wilson's interval.
    """

    class_name: str
    support: int
    mean: float | None
    standard_deviation: float | None
    recall: Interval


@dataclass(frozen=True, kw_only=True)
class FoldSummary(Shown):
    """All folds of one training.

    Attributes:
        count: Images, each left out by one fold.
        mean: Mean accuracy of the folds, with the corrected resampled t interval.
        standard_deviation: Of the folds' accuracies.
        out_of_fold: Accuracy on all images together, with Wilson's interval.
        note: What the intervals are, and what they are not.
        notices: What a reader must know of the predictions.
    """

    format: int = FORMAT
    count: int
    folds: tuple[FoldScore, ...]
    mean: Interval
    standard_deviation: float
    out_of_fold: Interval
    classes: tuple[ClassOverFolds, ...]
    note: str = NOTE
    notices: tuple[str, ...] = ()

    def table(self) -> ResultTable:
        """The classes, and below them what the folds say together."""
        rows = [
            (
                each.class_name,
                f"{each.support:,}",
                as_percent(each.mean),
                _spread(each.standard_deviation),
                *with_limits(each.recall),
            )
            for each in self.classes
        ]
        header = ("class", "images", "mean recall", "standard deviation", "all together", "95 % interval")
        limits, method, whole = as_limits(self.mean), self.mean.method, self.out_of_fold
        interval = f"95 % interval of the mean {limits}, {method}" if limits else method
        said = (
            f"mean accuracy of {len(self.folds)} folds: {as_percent(self.mean.value)}, standard deviation "
            f"{percent(self.standard_deviation)} ({interval})",
            f"out-of-fold accuracy: {as_percent(whole.value)} of {counted(self.count, 'image')} "
            f"(95 % interval {as_limits(whole)}, Wilson)",
        )
        return ResultTable(header, rows, "", (*said, *self.notices, self.note))


def summarise_folds(runs: Sequence[Run]) -> FoldSummary:
    """Sum up the runs of one `cifarlab train --folds K`, by their `predictions-validation.npz`.

    Args:
        runs: All of them, each evaluated on validation, the part that it left out.

    Raises:
        CifarlabError: If one has not been evaluated on validation, they differ in more than the fold, or they did not
            leave out every training image once.
    """
    order = sorted(runs, key=lambda run: run.recipe.fold)
    _check_alike(order)
    read = [run.predictions_with_notices("validation") for run in order]
    parts = [predictions for predictions, _ in read]
    total = _check_cover(order, parts)
    scores = tuple(
        FoldScore(run.name, run.recipe.fold, len(part), share(part.correct))
        for run, part in zip(order, parts, strict=True)
    )
    accuracies = [float(part.correct.mean()) for part in parts]
    left_out = total / len(parts)  # of each training, on average
    return FoldSummary(
        count=total,
        folds=scores,
        mean=mean_over_folds(accuracies, left_out / (total - left_out)),
        standard_deviation=float(np.std(accuracies, ddof=1)),
        out_of_fold=share(np.concatenate([part.correct for part in parts])),
        classes=tuple(_of_class(parts, label, name) for label, name in enumerate(parts[0].class_names)),
        notices=tuple(dict.fromkeys(notice for _, notices in read for notice in notices)),
    )


def _check_alike(runs: Sequence[Run]) -> None:
    if len(runs) < 2:
        raise CifarlabError(f"{counted(len(runs), 'run')}: give all runs of one cifarlab train --folds K")
    first = replace(runs[0].recipe, fold=0)
    for run in runs[1:]:
        if replace(run.recipe, fold=0) != first:
            raise CifarlabError(
                f"{run.path} and {runs[0].path} differ in more than the fold: give the runs of one cifarlab train "
                "--folds K"
            )


def _check_cover(runs: Sequence[Run], parts: Sequence[Predictions]) -> int:
    """How many training images there are: each must have been left out once."""
    if len({part.class_names for part in parts}) > 1:
        raise CifarlabError("the folds have different classes: give the runs of one cifarlab train --folds K")
    trained = known_images(runs[0])
    if trained is None:
        raise CifarlabError(f"{runs[0].path} does not say which images it was trained on: train the folds again")
    expected = np.union1d(trained.ids, parts[0].ids)
    ids = np.concatenate([part.ids for part in parts])
    once, total = np.unique(ids), len(expected)
    if len(ids) != total or not np.array_equal(once, expected):
        raise CifarlabError(
            f"these {len(runs)} runs left out {len(once):,} of {counted(total, 'training image')}, "
            f"{len(ids) - len(once):,} of them more than once: every one must be left out once; give all runs of one "
            "cifarlab train --folds K"
        )
    return total


def _of_class(parts: Sequence[Predictions], label: int, name: str) -> ClassOverFolds:
    hits: list[Array] = [part.correct[part.labels == label] for part in parts]
    recalls = [float(each.mean()) for each in hits if len(each)]
    together = np.concatenate(hits)
    return ClassOverFolds(
        name,
        len(together),
        float(np.mean(recalls)) if recalls else None,
        float(np.std(recalls, ddof=1)) if len(recalls) > 1 else None,
        share(together),
    )


def _spread(value: float | None) -> str:
    return "" if value is None else percent(value)
