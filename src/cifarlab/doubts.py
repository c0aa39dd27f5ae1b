"""Label doubts: which images probably have the wrong label, by confident learning, and which duplicates disagree.

A model that never saw an image has an opinion of its label. Where it is surer of another class than it usually is of
that class, the label is in doubt. The opinions must be out of sample: of test or validation images, or of training
images each of which was left out of the training that gives the opinion (`cifarlab train --folds K`).

Source: Northcutt, Jiang and Chuang 2021, Confident Learning, arXiv:1911.00068; cleanlab does the counting.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cifarlab import builtin, datasets, discover, own_code
from cifarlab.errors import CifarlabError
from cifarlab.exploration.duplicates import find_duplicates
from cifarlab.opinions import Opinions, average_runs, join_folds, rows_of
from cifarlab.records import Array, ImageSet, Predictions, Splits
from cifarlab.runs import Run
from cifarlab.wording import counted

SCORES = ("self_confidence", "normalized_margin")
SPLITS = ("train", "validation", "test")
TRUSTED_AGREEMENT = 0.9

Progress = Callable[[str, float], None]
_Run = Run | str | os.PathLike[str]


@dataclass(frozen=True)
class Doubt:
    """One image whose label may be wrong.

    Attributes:
        row: Its place among the opinions.
        image_id: Which image.
        given: The class it is labelled as.
        suggested: The most probable class.
        score: Quality of the label, 0 to 1; the lower, the more doubtful.
        given_probability: Of the class given.
        suggested_probability: Of the class suggested.
        is_issue: Whether confident learning counts the label among the wrong ones.
    """

    row: int
    image_id: str
    given: str
    suggested: str
    score: float
    given_probability: float
    suggested_probability: float
    is_issue: bool


@dataclass(frozen=True)
class Conflict:
    """Two images that are the same, exactly or nearly, and have different labels; at least one is of the split."""

    first_id: str
    second_id: str
    first_label: str
    second_label: str
    exact: bool
    similarity: float


@dataclass(frozen=True, eq=False)
class Findings:
    """Everything about the labels of one split.

    Attributes:
        runs: Names of the runs whose opinions these are.
        data: Name of the data set.
        split: Which images.
        score: By which of `SCORES` the doubts are ranked.
        doubts: Every image, the most doubtful first.
        agreement: Share of the labels that the opinions agree with.
        conflicts: Duplicates that disagree, the most similar first; None where nobody looked.
        images: Every image that is spoken of, and others.
    """

    runs: tuple[str, ...]
    data: str
    split: str
    score: str
    doubts: list[Doubt]
    agreement: float
    conflicts: list[Conflict] | None
    images: ImageSet

    @property
    def issues(self) -> list[Doubt]:
        """Those that confident learning counts as wrong."""
        return [doubt for doubt in self.doubts if doubt.is_issue]

    @property
    def notice(self) -> str:
        """What a reader must know of opinions that are often wrong themselves; else empty."""
        if self.agreement >= TRUSTED_AGREEMENT:
            return ""
        return (
            f"These opinions agree with only {100 * self.agreement:.1f} % of the labels: most of their doubts are "
            "mistakes of the model, not of the labels. Ask a better model."
        )


def examine_labels(
    runs: Sequence[_Run],
    *,
    split: str = "test",
    score: str = SCORES[0],
    data_dir: str | None = None,
    runs_dir: str | os.PathLike[str] = "runs",
    duplicates: bool = True,
    code: Sequence[str | os.PathLike[str]] = (),
    progress: Progress | None = None,
) -> Findings:
    """Look for wrong labels in a split, from the predictions that the runs have stored.

    Args:
        runs: For test and validation, runs evaluated on that split, whose probabilities are averaged. For train, the
            runs of one `cifarlab train --folds K`, each evaluated on validation, the part it left out.
        split: `"train"`, `"validation"` or `"test"`.
        score: One of `SCORES`.
        data_dir: Where the data are, if not where the first run found them.
        runs_dir: Where the run of the built-in model is.
        duplicates: Whether to look for duplicates with different labels, which takes longer than all the rest.
        code: The user's own Python files that the first run may need; no other is executed.
        progress: Called with a phrase and the share done.

    Raises:
        CifarlabError: If cleanlab is not installed, a run has no such predictions, they do not belong together, or the
            data are not those that were predicted.
    """
    for kind, given, known in (("split", split, SPLITS), ("score", score, SCORES)):
        if given not in known:
            raise CifarlabError(discover.unknown(kind, given, known))
    own_code.allow_files(code)
    if not runs:
        raise CifarlabError("label doubts need at least one run: give the folder of one that cifarlab train made")
    report = progress or (lambda phrase, share: None)
    opened = [builtin.open_evaluated(run, runs_dir=runs_dir) for run in runs]
    read = "validation" if split == "train" else split
    stored = [Predictions.load(run.stored_predictions_file(read)) for run in opened]
    _import_cleanlab()  # before the data are read
    splits = _load_splits(opened[0], split, data_dir)
    images = splits[split]
    opinions = join_folds(stored, images.ids) if split == "train" else average_runs(stored)
    _check_labels(images, opinions, opened[0].data_name)
    report("weighing the labels", 0.1)
    doubts = find_doubts(opinions, score)
    agreement = float((opinions.probabilities.argmax(axis=1) == opinions.labels).mean())
    conflicts = None
    if duplicates:
        images = _together(splits)
        asked = set(opinions.ids.tolist())
        conflicts = find_conflicts(images, asked, lambda share: report("looking for duplicates", 0.2 + 0.8 * share))
    names = tuple(run.name for run in opened)
    return Findings(names, opened[0].data_name, split, score, doubts, agreement, conflicts, images)


def find_doubts(opinions: Opinions, score: str = SCORES[0]) -> list[Doubt]:
    """Every image with the quality of its label, the most doubtful first.

    Args:
        opinions: Out of sample.
        score: `"self_confidence"`: the probability of the label given; `"normalized_margin"`: by how much it is above
            or below that of the best other class, scaled to 0 to 1.

    Raises:
        CifarlabError: If cleanlab is not installed or cannot work with these numbers.
    """
    filtering, ranking = _import_cleanlab()
    labels, chances = opinions.labels, opinions.probabilities
    try:
        quality = ranking.get_label_quality_scores(labels, chances, method=score)
        # One process: forking beside a loaded framework is unsafe, and counting is quick.
        issues = filtering.find_label_issues(labels, chances, n_jobs=1)
    except (ValueError, AssertionError) as error:
        raise CifarlabError(f"cannot weigh the labels of {counted(len(labels), 'image')}: {error}") from error
    suggested, rows = chances.argmax(axis=1), np.arange(len(labels))
    names = opinions.class_names
    return [
        Doubt(
            int(row), str(opinions.ids[row]), names[labels[row]], names[suggested[row]], float(quality[row]),
            float(chances[row, labels[row]]), float(chances[row, suggested[row]]), bool(issues[row]),
        )
        for row in np.lexsort((rows, quality))
    ]  # fmt: skip


def find_conflicts(
    images: ImageSet, asked: set[str] | None = None, progress: Callable[[float], None] | None = None
) -> list[Conflict]:
    """Exact and near duplicates whose labels differ, the most similar first.

    Args:
        images: Among which to look.
        asked: Ids of which a pair must have at least one; by default all.
        progress: Called with the share done.
    """
    pairs, _ = find_duplicates(images.images, progress=progress)
    names = images.class_names
    return [
        Conflict(
            str(images.ids[pair.first]), str(images.ids[pair.second]), names[images.labels[pair.first]],
            names[images.labels[pair.second]], pair.exact, pair.similarity,
        )
        for pair in pairs
        if images.labels[pair.first] != images.labels[pair.second]
        and (asked is None or {str(images.ids[pair.first]), str(images.ids[pair.second])} & asked)
    ]  # fmt: skip


def _import_cleanlab() -> tuple[Any, Any]:
    try:
        from cleanlab import filter as filtering
        from cleanlab import rank as ranking
    except ImportError as error:
        raise CifarlabError(
            "looking for label doubts needs cleanlab, which is not installed: install it with pip install "
            f"'cifarlab[audit]' ({error})"
        ) from error
    return filtering, ranking


def _load_splits(run: Run, split: str, data_dir: str | None) -> Splits:
    held_out = run.recipe.held_out if split == "validation" else {"validation_fraction": 0.0}
    return datasets.load_data(run.data_name, data_dir=data_dir or run.data_dir, **held_out)


def _together(splits: Splits) -> ImageSet:
    parts = [part for part in (splits.train, splits.validation, splits.test) if len(part)]
    images, labels, ids = (np.concatenate(columns) for columns in zip(*map(_columns, parts), strict=True))
    return ImageSet(images, labels, ids, splits.class_names)


def _columns(part: ImageSet) -> tuple[Array, Array, Array]:
    return part.images, part.labels, part.ids


def _check_labels(images: ImageSet, opinions: Opinions, data: str) -> None:
    missing = set(opinions.ids.tolist()) - set(images.ids.tolist())
    if missing:
        nearest = discover.unknown("image", min(missing), images.ids[:3].tolist())
        raise CifarlabError(f"{data} lacks {len(missing):,} of the images that were predicted: {nearest}, ...")
    if (images.labels[rows_of(images.ids, opinions.ids)] != opinions.labels).any():
        raise CifarlabError(f"the labels of {data} have changed since the runs were evaluated: evaluate them again")
