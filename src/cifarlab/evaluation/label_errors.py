"""Label errors: which images probably have the wrong label, by confident learning, and which duplicates disagree.

Where a model that never saw an image is surer of another class than it usually is of that class, the label is an issue.
Probabilities must be out of sample: of test or validation images, or of training images by `cifarlab train --folds K`.

Sources: Northcutt, Jiang and Chuang 2021, Confident Learning, arXiv:1911.00068; cleanlab does the counting. That a
wrong label is told by how it was learned: Pleiss et al. 2020, arXiv:2001.10528, there by the margin of the logits.
"""

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cifarlab import datasets
from cifarlab.datasets import SPLITS, ImageSet, Splits
from cifarlab.displays.progress import progress_of
from cifarlab.evaluation.label_conflicts import Conflict, find_conflicts
from cifarlab.evaluation.out_of_sample import OutOfSampleProbabilities, join_folds, learning_losses, pool_runs
from cifarlab.inference.tta import check_tta
from cifarlab.runs import Run, pretrained_run, training_dynamics
from cifarlab.runs.layout import NO_TTA
from cifarlab.runs.own_labels import with_own_labels
from cifarlab.runs.predictions import Predictions
from cifarlab.utils import discovery, own_code
from cifarlab.utils.arrays import Array, rows_of
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.progress import ProgressCallback
from cifarlab.utils.text import counted, few, percent

LEARNED = "learned_confidence"
SCORES = ("self_confidence", "normalized_margin", LEARNED)
TRUSTED_AGREEMENT = 0.9
FEWEST_IMAGES = 5  # of a class: what a model usually thinks of it is a mean over them, and of fewer it is chance

_COLUMNS = ("images", "labels", "ids")
_Run = Run | str | os.PathLike[str]


@dataclass(frozen=True)
class LabelQuality:
    """How well one image's label agrees with the out-of-sample probabilities.

    Attributes:
        row: Its place among the probabilities.
        given: The class it is labelled as.
        suggested: The most probable class.
        score: Quality of the label, 0 to 1; the lower, the more probably wrong.
        is_issue: Whether confident learning counts the label as wrong.
    """

    row: int
    image_id: str
    given: str
    suggested: str
    score: float
    given_probability: float
    suggested_probability: float
    is_issue: bool


@dataclass(frozen=True, eq=False)
class Findings:
    """Everything about the labels of one split.

    Attributes:
        runs: Names of the runs whose probabilities these are.
        score: By which of `SCORES` the labels are ranked.
        ranking: Every image, the most probably wrong label first.
        agreement: Share of the labels that are the most probable class.
        conflicts: Duplicates that disagree, the most similar first; None where nobody looked.
        images: Every image that is spoken of, and others.
        uncounted: Classes with so few images that confident learning counts no label of or for them as wrong.
        told: What a reader must know of the runs' predictions.
    """

    runs: tuple[str, ...]
    data: str
    split: str
    score: str
    ranking: list[LabelQuality]
    agreement: float
    conflicts: list[Conflict] | None
    images: ImageSet
    uncounted: tuple[str, ...] = ()
    told: list[str] = field(default_factory=list)

    @property
    def issues(self) -> list[LabelQuality]:
        """Those that confident learning counts as wrong."""
        return [each for each in self.ranking if each.is_issue]

    @property
    def listed(self) -> list[LabelQuality]:
        """Those for which another class than the label is suggested."""
        return [each for each in self.ranking if each.suggested != each.given or each.is_issue]

    @property
    def notices(self) -> list[str]:
        """What a reader must know: of the predictions, of a model that is often wrong, and of classes of few images."""
        said = list(self.told)
        if self.agreement < TRUSTED_AGREEMENT:
            said.append(
                f"These predictions agree with only {percent(self.agreement, 1)} of the labels: most of these label "
                "issues are mistakes of the model, not of the labels. Use a better model."
            )
        if self.uncounted:
            classes = counted(len(self.uncounted), "class has", "classes have")
            names = few(self.uncounted)
            more = (
                ""
                if self.split == "train"
                else " For those that were trained on: train with --folds, and give --train."
            )
            said.append(
                f"{classes} fewer than {FEWEST_IMAGES} images, too few to count wrong labels among: {names}.{more}"
            )
        return said


def examine_labels(
    runs: Sequence[_Run],
    *,
    split: str = "test",
    score: str | None = None,
    tta: str = NO_TTA,
    data_dir: str | None = None,
    runs_dir: str | os.PathLike[str] = "runs",
    duplicates: bool = True,
    code: Sequence[str | os.PathLike[str]] = (),
    progress: ProgressCallback | None = None,
    show: bool | None = None,
) -> Findings:
    """Look for wrong labels in a split, from the predictions that the runs have stored.

    Args:
        runs: For test and validation, runs evaluated on that split, whose probabilities are pooled. For train, the
            runs of one `cifarlab train --folds K`, or of several, each evaluated on validation, the part it left out.
        split: `"train"`, `"validation"` or `"test"`.
        score: One of `SCORES`; by default `"learned_confidence"` for train, where the runs recorded how they learned,
            else `"self_confidence"`.
        tta: Which test-time augmentation the runs were evaluated with; none by default.
        data_dir: Where the data are, if not where the first run found them.
        runs_dir: Where the run of the built-in model is.
        duplicates: Whether to look for duplicates with different labels, which takes longer than all the rest.
        code: The user's own Python files that the first run may need; no other is executed.
        progress: Called with a phrase and the share done.
        show: Whether to show the progress; None: in a notebook and at a prompt, where there is no `progress`.

    Raises:
        CifarlabError: If cleanlab is not installed, a run has no such predictions, they do not belong together, or the
            data are not those that were predicted.
    """
    for kind, given, known in (("split", split, SPLITS), ("score", score or SCORES[0], SCORES)):
        if given not in known:
            raise CifarlabError(discovery.unknown(kind, given, known))
    check_tta(tta)
    if score == LEARNED and split != "train":
        raise CifarlabError(f"{LEARNED} is of training images, and these are {split} images: add --train")
    own_code.allow_files(code)
    if not runs:
        raise CifarlabError("finding label errors needs a run: give the folder of one that cifarlab train made")
    with progress_of("weighing the labels", show if progress is None else False) as shown:
        return _examine(runs, split, score, tta, data_dir, runs_dir, duplicates, progress or shown)


def _examine(
    runs: Sequence[_Run],
    split: str,
    score: str | None,
    tta: str,
    data_dir: str | None,
    runs_dir: str | os.PathLike[str],
    duplicates: bool,
    report: ProgressCallback,
) -> Findings:
    opened = [pretrained_run.open_evaluated(run, runs_dir=runs_dir) for run in runs]
    read = "validation" if split == "train" else split
    found = [run.predictions_with_notices(read, tta) for run in opened]
    stored = [predictions for predictions, _ in found]
    score = score or (LEARNED if split == "train" and all(run.dynamics_file.is_file() for run in opened) else SCORES[0])
    noted = _read_dynamics(opened) if score == LEARNED else []
    _import_cleanlab()  # before the data are read
    first = opened[0]
    held_out = first.recipe.held_out if split == "validation" else {"validation_fraction": 0.0}
    splits = datasets.load_data(first.data_name, data_dir=data_dir or first.data_dir, **held_out)
    splits = with_own_labels(first, splits)  # of a run with a labels file, its corrected labels are examined
    images = splits[split]
    predicted = join_folds(stored, images.ids) if split == "train" else pool_runs(stored)
    _check_labels(images, predicted, first.data_name)
    if split != "train":
        _check_pictures(images, stored, first.data_name)
    report("weighing the labels", 0.1)
    ranking = rank_labels(predicted, score, learning_losses(noted, images.ids, predicted.exponents) if noted else None)
    agreement = float((predicted.probabilities.argmax(axis=1) == predicted.labels).mean())
    conflicts = None
    if duplicates:
        images = _together(splits)
        ids = set(predicted.ids.tolist())
        conflicts = find_conflicts(images, ids, lambda share: report("looking for duplicates", 0.2 + 0.8 * share))
    names = tuple(run.name for run in opened)
    few = tuple(name for name, enough in zip(predicted.class_names, _enough(predicted), strict=True) if not enough)
    notices = [notice for _, notices in found for notice in notices]
    return Findings(names, first.data_name, split, score, ranking, agreement, conflicts, images, few, notices)


def rank_labels(
    predicted: OutOfSampleProbabilities, score: str = SCORES[0], losses: Array | None = None
) -> list[LabelQuality]:
    """Every image with the quality of its label, the most probably wrong one first.

    Args:
        predicted: Of N images.
        score: `"self_confidence"`: the probability of the label given; `"normalized_margin"`: by how much it is above
            or below that of the best other class, scaled to 0 to 1; `"learned_confidence"`: the geometric mean of
            the probability and of `exp(-loss)`, its counterpart among the models that learned the label.
        losses: `(N,)` nats, of each label while it was learned, for `"learned_confidence"`; NaN counts as the
            out-of-sample loss.

    Raises:
        CifarlabError: If cleanlab is not installed or cannot work with these numbers.
    """
    filtering, ranking = _import_cleanlab()
    labels, probabilities = predicted.labels, predicted.probabilities
    try:
        method = SCORES[0] if score == LEARNED else score
        quality = ranking.get_label_quality_scores(labels, probabilities, method=method)
        with warnings.catch_warnings():  # what it says of small classes is said in the notice
            warnings.filterwarnings("ignore", "May not flag all label issues", UserWarning)
            # One process: forking beside a loaded framework is unsafe, and counting is quick.
            issues = filtering.find_label_issues(labels, probabilities, n_jobs=1)
    except (ValueError, AssertionError) as error:
        raise CifarlabError(f"cannot weigh the labels of {counted(len(labels), 'image')}: {error}") from error
    if losses is not None:
        quality = np.sqrt(quality * np.where(np.isnan(losses), quality, np.exp(-losses)))
    suggested, rows = probabilities.argmax(axis=1), np.arange(len(labels))
    # Confident learning's threshold of a class is the mean probability of that class over the images labelled so: an
    # image counts as an issue where another class is above its own threshold. Of too few images the mean is chance.
    enough = _enough(predicted)
    issues = issues & enough[labels] & enough[suggested]
    names = predicted.class_names
    return [
        LabelQuality(
            int(row), str(predicted.ids[row]), names[labels[row]], names[suggested[row]], float(quality[row]),
            float(probabilities[row, labels[row]]), float(probabilities[row, suggested[row]]), bool(issues[row]),
        )
        for row in np.lexsort((rows, quality))  # of equal quality the first row first
    ]  # fmt: skip


def _read_dynamics(runs: Sequence[Run]) -> list[training_dynamics.Dynamics]:
    noted = [(run.name, training_dynamics.load(run)) for run in runs]
    if missing := [name for name, each in noted if each is None]:
        raise CifarlabError(f"{few(missing)} recorded no training dynamics: rank by --score {SCORES[0]}")
    return [each for _, each in noted if each is not None]


def _enough(predicted: OutOfSampleProbabilities) -> Array:
    """`(K,)` bool: whether a class has images enough to tell what is usual of it."""
    return np.bincount(predicted.labels, minlength=len(predicted.class_names)) >= FEWEST_IMAGES


def _import_cleanlab() -> tuple[Any, Any]:
    try:
        from cleanlab import filter as filtering
        from cleanlab import rank as ranking
    except ImportError as error:
        raise CifarlabError(
            "finding label errors needs cleanlab, which is not installed: install it with pip install "
            f"'cifarlab[audit]' ({error})"
        ) from error
    return filtering, ranking


def _together(splits: Splits) -> ImageSet:
    parts = [part for part in (splits.train, splits.validation, splits.test) if len(part)]
    images, labels, ids = (np.concatenate([getattr(part, name) for part in parts]) for name in _COLUMNS)
    return ImageSet(images, labels, ids, splits.class_names)


def _check_pictures(images: ImageSet, stored: Sequence[Predictions], data: str) -> None:
    """Under the same names may now be other pictures than those that were predicted."""
    if any(each.origin is not None and each.origin.images != images.fingerprint for each in stored):
        raise CifarlabError(f"the images of {data} have changed since the runs were evaluated: evaluate them again")


def _check_labels(images: ImageSet, predicted: OutOfSampleProbabilities, data: str) -> None:
    if missing := set(predicted.ids.tolist()) - set(images.ids.tolist()):
        nearest = discovery.unknown("image", min(missing), images.ids[:3].tolist())
        raise CifarlabError(f"{data} lacks {len(missing):,} of the images that were predicted: {nearest}, ...")
    if (images.labels[rows_of(images.ids, predicted.ids)] != predicted.labels).any():
        raise CifarlabError(f"the labels of {data} have changed since the runs were evaluated: evaluate them again")
