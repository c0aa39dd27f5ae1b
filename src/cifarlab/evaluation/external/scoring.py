"""A model trained elsewhere, scored as `evaluate` scores a run."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from cifarlab import metrics
from cifarlab.evaluation.external.reading import read_external
from cifarlab.evaluation.human_labels import load_human_labels, score_with_humans
from cifarlab.runs.predictions import SMALLEST, HardPredictions, Predictions
from cifarlab.runs.scores import Scores
from cifarlab.utils import files
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.json_data import json_data
from cifarlab.utils.text import counted, few

_IMAGES_FOR_ALL = 20  # images a class: with so many, each class should occur


def evaluate_files(
    predictions: str | Path,
    labels: str | Path | None = None,
    class_names: Sequence[str] | None = None,
    output: str | Path | None = None,
    human_labels: str | Path | None = None,
) -> Scores:
    """Score a model trained elsewhere, as `evaluate` scores a run.

    Args:
        predictions: As for `predictions_from_files`.
        labels: As for `predictions_from_files`.
        class_names: As for `predictions_from_files`.
        output: A folder for `predictions.npz` and `scores.json`; without it nothing is written.
        human_labels: CIFAR-10H's counts, where these are predictions of CIFAR-10's test set in its own order.

    Returns:
        The scores, of the file (`run`) and that of the labels (`data`), on the split `"given"`; `notices` say what was
        assumed.

    Raises:
        CifarlabError: As from `predictions_from_files`, if the human labels do not fit them, or if the folder cannot be
            written.
    """
    humans = None if human_labels is None else load_human_labels(human_labels)
    read = read_external(predictions, labels, class_names)
    found = read.predictions
    if humans is not None and isinstance(found, HardPredictions):
        raise CifarlabError(f"{predictions} has predicted classes alone: --human-labels needs probabilities")
    scores = replace(
        metrics.score(found),
        run=Path(predictions).name,
        data=Path(predictions if labels is None else labels).name,
        split="given",
        notices=(*read.notices, *_impossible(found), *_unseen(found)),
    )
    if humans is not None and isinstance(found, Predictions):
        scores = replace(scores, human=json_data(score_with_humans(found, humans, own_order=False)))
    if output is not None:
        found.save(Path(output) / "predictions.npz")
        files.write_json(Path(output) / "scores.json", scores)
    return scores


def check_alone(runs: Sequence[str] | None, **others: object) -> None:
    """Make sure that nothing is asked for that a file of predictions cannot answer.

    Raises:
        CifarlabError: If runs are given too, or any of the `others`, which are options by their names.
    """
    if runs:
        raise CifarlabError(f"--predictions stands instead of runs: leave out {runs[0]}, or --predictions")
    given = next((name for name, value in others.items() if value is not None), None)
    if given:
        raise CifarlabError(f"--{given.replace('_', '-')} belongs to runs: leave it out with --predictions")


def _unseen(found: Predictions | HardPredictions) -> list[str]:
    """Classes without any image, where so many images should have some of each: they may be no classes."""
    counts = np.bincount(found.labels, minlength=len(found.class_names))
    unseen = [name for name, count in zip(found.class_names, counts, strict=True) if count == 0]
    if not unseen or len(found) < _IMAGES_FOR_ALL * len(counts):
        return []
    hint = " and labels do not begin at 1" if unseen == list(found.class_names[:1]) else ""
    return [f"No image has the label {few(unseen, 3, count=True)}: make sure that every column is a class{hint}."]


def _impossible(found: Predictions | HardPredictions) -> list[str]:
    if isinstance(found, HardPredictions):
        return []
    impossible = int((found.label_probabilities < 2 * SMALLEST).sum())
    share = f"probability 0 for the true class of {counted(impossible, 'image')}, which counts as 1e-38 in the loss"
    return [f"There is {share}."] if impossible else []
