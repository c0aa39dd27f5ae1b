"""A trained run and a split in, predictions and scores out; every look is counted."""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cifarlab import datasets, metrics
from cifarlab.datasets import SPLITS, ImageSet, Splits, older_split
from cifarlab.datasets.verdicts import read_labels
from cifarlab.displays.progress import progress_of
from cifarlab.evaluation.corrected_labels import correct_evaluated
from cifarlab.evaluation.dead_units import measure_activity
from cifarlab.evaluation.human_labels import open_human_labels, score_with_humans
from cifarlab.evaluation.overlap import describe, summarise
from cifarlab.inference import prediction
from cifarlab.inference.temperature import scale, stored_temperature
from cifarlab.inference.tta import check_tta
from cifarlab.runs import Run, pretrained_run
from cifarlab.runs.derived import model_checksum
from cifarlab.runs.layout import NO_TTA, with_tta
from cifarlab.runs.own_labels import with_own_labels
from cifarlab.runs.predictions import Origin, Predictions
from cifarlab.runs.pretrained_run import AnyRun
from cifarlab.runs.scores import Activity, CalibratedScores, OverlapSummary, Scores
from cifarlab.runs.started_from import start_notices
from cifarlab.runs.trained_images import Overlap, find_overlap
from cifarlab.utils import files, own_code
from cifarlab.utils.best_epoch import best_epoch
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.json_data import json_data
from cifarlab.utils.text import few, percent


def evaluate(
    run: AnyRun,
    *,
    split: str = "test",
    data: str | None = None,
    data_dir: str | None = None,
    tta: str = NO_TTA,
    human_labels: str | Path | None = None,
    runs_dir: str | os.PathLike[str] = "runs",
    code: Sequence[str | os.PathLike[str]] = (),
    show: bool | None = None,
    labels: str | Path | None = None,
) -> Scores:
    """Let a run's model classify every image of a split, and score the answers.

    Writes `predictions-<split>.npz` and `scores.json` (`scores-<split>.json` for a split other than test) into the run,
    each whole or not at all, and records the look in `looks.json`. On other data than the run's own, the files are
    `predictions-<split>-<data>.npz` and `scores-<split>-<data>.json`, so that the run's own numbers stay. Accuracy is
    single-view, each image being seen once, as it is, unless `tta` names a test-time augmentation: then the files are
    `predictions-<split>-tta-<name>.npz` and `scores-<split>-tta-<name>.json`, and the single-view numbers stay. With a
    labels file, all these names end in `-labels`, `scores-test-labels.json` among them.

    Args:
        run: The run to evaluate, or `"builtin"`.
        split: `"train"`, `"validation"` or `"test"`.
        data: Name of another data set of the same classes and image shape; by default the run's own.
        data_dir: Where the data are, if not where the run found them.
        tta: Test-time augmentation, one of `tta.NAMES`; none by default.
        human_labels: CIFAR-10H's counts, `.npy`: what people called each test image of CIFAR-10, to compare with.
        runs_dir: Where the run of the built-in model is, or will be made.
        code: The user's own Python files that the run may need; no other is executed.
        show: Whether to show the progress; None: in a notebook and at a prompt.
        labels: A labels file, by which images of the split are relabelled and dropped before they are scored.

    Raises:
        CifarlabError: If the run is no run or incomplete, the split is unknown, empty or was not held out, the data are
            missing, do not fit the model, or are not the ones that the run was trained on, or the human labels or the
            labels file are not about them.
    """
    _check_options(split, tta)
    own_code.allow_files(code)
    own_code.allow(data or "")
    run = pretrained_run.open_run(run, needs_model=True, runs_dir=runs_dir)
    _check_held_out(run, split)
    humans = None if human_labels is None else open_human_labels(human_labels, data or run.data_name, split)
    read = None if labels is None else read_labels(labels)  # before the data: it takes no time
    known = _load(run, data, data_dir)
    splits = with_own_labels(run, known) if known.source.name == run.data_name else known
    _check_classes(run, splits, split)
    altered = _data_notices(run, splits, split, named=data is not None)
    altered += start_notices(run, splits.source.name, splits.class_names)
    splits, about = (splits, None) if read is None else correct_evaluated(known, read, split)
    _check_classes(run, splits, split)  # a labels file may drop every image
    notices = [*_state_notices(run), *splits.source.notices, *altered]
    met = _find_overlap(run, splits, split)
    predictions, activity = _classify(run, splits[split], tta, met, show)
    human = None if humans is None else json_data(score_with_humans(predictions, humans))
    asked = _Asked(splits.source.name, split, tta, corrected=about is not None)
    scores = dataclasses.replace(_score(run, predictions, met, asked, notices), human=human, activity=activity)
    scores = dataclasses.replace(scores, labels=about)
    with run.changing():  # the two belong together: of two who evaluate at once, none writes between them
        predictions.save(run.predictions_file(split, asked.data, tta, corrected=asked.corrected))
        files.write_sealed(run.scores_file(split, asked.data, tta, corrected=asked.corrected), scores)
    return scores


@dataclass(frozen=True)
class _Asked:
    """Which images of which data, and how."""

    data: str
    split: str
    tta: str
    corrected: bool = False


def _classify(
    run: Run, images: ImageSet, tta: str, met: Overlap | None, show: bool | None
) -> tuple[Predictions, Activity | None]:
    """The model's answers, with what they are of; single-view also which units of a dense network never answer."""
    checksum = model_checksum(run)  # before the model is read: a training may write the next while this one answers
    with progress_of(f"evaluating {run.path}", show):
        model = prediction.load_model(run)
        answers = prediction.predict_images(model, images, tta=tta)
    trained_on = np.zeros(len(images), bool) if met is None else met.trained_on
    predictions = dataclasses.replace(answers, origin=Origin(checksum, images.fingerprint, trained_on))
    return predictions, measure_activity(model, images.images) if tta == NO_TTA else None


def _score(run: Run, predictions: Predictions, met: Overlap | None, asked: _Asked, notices: Sequence[str]) -> Scores:
    """Every number about the answers; the look at them is counted."""
    data, split, tta = asked.data, asked.split, asked.tta
    overlap, told = _weigh_overlap(run, met, predictions, split, data)
    fitted_here = split == "validation" and data == run.data_name  # where a temperature would flatter itself
    calibrated, uncalibrated = (None, []) if tta != NO_TTA or fitted_here else _calibrated(run, predictions)
    assert predictions.origin is not None
    # The history is of the labels that the run learned by.
    known = [] if asked.corrected else _history_notices(run, predictions, split, data, tta)
    why = f"evaluate on {data}{with_tta(tta)}{', corrected labels' if asked.corrected else ''}"
    return dataclasses.replace(
        metrics.score(predictions),
        run=run.name,
        data=data,
        split=split,
        images=predictions.origin.images,
        model_checksum=predictions.origin.model_checksum,
        tta=tta,
        looks=run.record_look(split, why, data, tta),
        looks_in_making=run.looks_in_making(split, data),
        notices=(*notices, *told, *uncalibrated, *known),
        overlap=overlap,
        calibrated=calibrated,
    )


def _calibrated(run: Run, predictions: Predictions) -> tuple[CalibratedScores | None, list[str]]:
    """Loss and calibration error at the run's temperature, where it has one; or a notice that it is unusable."""
    try:
        temperature = stored_temperature(run)
    except CifarlabError as error:
        return None, [f"Not calibrated: {error}."]
    if temperature is None:
        return None, []
    scaled = scale(predictions, temperature)
    loss, gap = (metrics.measure(name, scaled) for name in ("negative_log_likelihood", "expected_calibration_error"))
    return CalibratedScores(temperature, loss, gap), []


def _check_options(split: str, tta: str) -> None:
    if split not in SPLITS:
        raise CifarlabError(f"unknown split {split!r}: expected {', '.join(SPLITS)}")
    check_tta(tta)


def _check_held_out(run: Run, split: str) -> None:
    if split == "validation" and run.recipe.validation_fraction == 0:
        raise CifarlabError(
            f"{run.path} held out no validation images (validation_fraction=0): it was trained on them; evaluate on "
            "test, or train again with --set validation_fraction=0.1"
        )


def _load(run: Run, data: str | None, data_dir: str | None) -> Splits:
    """The data that were asked for; the run's own by default, from where it found them if they are still there."""
    name = data or run.data_name
    if data_dir is None and name == run.data_name:
        data_dir = run.data_dir
    return datasets.load_data(name, data_dir=data_dir, **run.recipe.held_out)


def _check_classes(run: Run, splits: Splits, split: str) -> None:
    if len(splits[split]) == 0:
        raise CifarlabError(f"{splits.source.name} has no {split} images: choose another split with --split")
    expected = prediction.class_names(run)
    if splits.class_names != expected:
        found, trained = few(splits.class_names, count=True), few(expected, count=True)
        raise CifarlabError(
            f"{splits.source.name} has other classes than {run.path} was trained on: {found} instead of {trained}; "
            "evaluate on data with the same classes"
        )


def _find_overlap(run: Run, splits: Splits, split: str) -> Overlap | None:
    own = (lambda: splits.train) if splits.source.name == run.data_name else None
    are_validation = split == "validation" and splits.source.name == run.data_name
    return find_overlap(run, splits[split], splits.source.name, own, are_validation=are_validation)


def _weigh_overlap(
    run: Run, met: Overlap | None, predictions: Predictions, split: str, data: str
) -> tuple[OverlapSummary | None, list[str]]:
    """How many images the model was trained on, for the scores, and what must be said of it.

    Of the run's own training images nothing: that they are such is their name.
    """
    if split == "train" and data == run.data_name:
        return None, []
    if met is None:
        changed = (run.data.get("fingerprints") or {}).get(split)
        if data != run.data_name or changed in (None, predictions.origin and predictions.origin.images):
            return None, []
        return None, [
            f"{run.name} did not record which images it was trained on: some of these may be among them, and then the "
            "accuracy is no test."
        ]
    found = summarise(met, predictions.ids, predictions.correct)
    return found if found.count else None, describe(found, len(predictions), split)


def _state_notices(run: Run) -> list[str]:
    state, why = run.state.get("state"), run.state.get("why")
    if state == "finished":
        return []
    if run.is_being_trained():
        return [f"{run.name} is being trained now: these numbers are about its best epoch so far."]
    return [f"The training of {run.name} did not finish: it is {state}{f' ({why})' if why else ''}."]


def _history_notices(run: Run, predictions: Predictions, split: str, data: str, tta: str) -> list[str]:
    """Whether the model does on validation what the history says of its best epoch: else it is another epoch's.

    A training that was killed has noted epochs whose model it had not yet kept. Rounding may turn an answer or two.
    """
    best = best_epoch(run.history())
    if split != "validation" or data != run.data_name or tta != NO_TTA or best is None:
        return []
    expected, measured = best["validation_accuracy"], float(predictions.correct.mean())
    if abs(expected - measured) * len(predictions) <= max(2.0, 0.01 * len(predictions)):
        return []
    return [
        f"{run.history_file.name} says {percent(expected)} on validation of the best epoch, this model has "
        f"{percent(measured)}: it is not that epoch's, or not on these images. The training curves and their "
        "best epoch are of another model."
    ]


def _data_notices(run: Run, splits: Splits, split: str, named: bool) -> list[str]:
    """What must be said where the data are not those of the training; refused, if they were not `named` explicitly.

    The images themselves are compared where the run remembers their fingerprints, else the files' checksums.
    """
    trained_on, source = run.data, splits.source
    if source.name != run.data_name:
        return [f"Evaluated on {source.name}; {run.name} was trained on {run.data_name}."]
    remembered = (trained_on.get("fingerprints") or {}).get(split)
    before, now = dict(trained_on.get("checksums") or {}), dict(source.checksums)
    if remembered:
        altered = "" if remembered == splits[split].fingerprint else f"its {split} images or labels have changed"
    else:
        altered = _altered_files(before, now)
    if altered:
        altered += older_split(trained_on, source)
        found = f"{source.name} in {source.location} is not what {run.name} was trained on: {altered}"
        if not named:
            raise CifarlabError(
                f"{found}; restore the data, or evaluate what is there now with cifarlab evaluate --data "
                f"{source.name}: images that {run.name} was trained on are then counted and named"
            )
        return [f"The data were altered: {found}."]
    if not remembered and before.keys() != now.keys():
        return [
            f"{source.name} was read from {source.location}, whose files are not the ones of the training: whether the "
            "images are the same could not be checked."
        ]
    return []


def _altered_files(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    altered = sorted(name for name in before.keys() & now.keys() if before[name] != now[name])
    if not altered:
        return ""
    first = f"{altered[0]} has checksum {now[altered[0]]} instead of {before[altered[0]]}"
    return first if len(altered) == 1 else f"{first}, and {len(altered)} files differ in all"
