"""What the folds of one training say together, against numbers worked out by hand."""

import dataclasses
import json
from typing import Any

import numpy as np
import pytest
from scipy import stats

import cifarlab as cl
from cifarlab.evaluation import fold_summary
from cifarlab.evaluation.fold_summary import summarise_folds
from cifarlab.metrics.statistics.intervals import mean_over_folds, wilson
from cifarlab.recipes import Recipe
from cifarlab.runs.predictions import Predictions
from cifarlab.runs.trained_images import TrainedImages
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.json_data import json_data

NAMES = ("cat", "dog", "eel")
# Of three folds the labels of the images left out, and the answers: 3 of 4, 4 of 4 and 2 of 4 are right.
LABELS = ((0, 0, 1, 1), (0, 1, 1, 0), (0, 1, 2, 2))
ANSWERS = ((0, 0, 1, 0), (0, 1, 1, 0), (0, 0, 2, 1))


def fold_run(*args, **more) -> Any:
    return FakeRun(*args, **more)


class FakeRun:
    """A run of one fold, as far as a summary asks."""

    def __init__(self, fold, labels=None, answers=None, ids=None, recipe=None):
        labels = np.array(LABELS[fold] if labels is None else labels)
        ids = np.array([f"{fold}-{row}" for row in range(len(labels))] if ids is None else ids)
        logits = np.eye(len(NAMES), dtype=np.float32)[list(ANSWERS[fold] if answers is None else answers)]
        self.name = self.path = f"fold{fold}"
        self.recipe = dataclasses.replace(recipe or Recipe(model="mlp", validation_fraction=1 / 3), fold=fold)
        self.said = Predictions(ids, labels, logits, NAMES)

    def predictions_with_notices(self, split):
        assert split == "validation"
        return self.said, [f"of {split}"]


@pytest.fixture(autouse=True)
def _trained(monkeypatch):
    """Each fold was trained on the images of the other two."""
    none = np.zeros(0, np.uint64)

    def known(run):
        ids = [f"{fold}-{row}" for fold in range(3) if fold != run.recipe.fold for row in range(4)]
        return TrainedImages(np.array(ids), None, none, none)

    monkeypatch.setattr(fold_summary, "known_images", known)


def test_accuracies_by_hand():
    found = summarise_folds([fold_run(2), fold_run(0), fold_run(1)])
    assert [(each.fold, each.count, each.accuracy.value) for each in found.folds] == [
        (0, 4, 0.75),
        (1, 4, 1.0),
        (2, 4, 0.5),
    ]
    assert (found.mean.value, found.standard_deviation) == (0.75, 0.25)
    assert found.out_of_fold == wilson(9, 12)
    # Each trains on 8 and leaves out 4: the variance of the mean is 0.25^2 (1/3 + 1/2); cut at 1.
    half = stats.t.ppf(0.975, 2) * 0.25 * np.sqrt(1 / 3 + 1 / 2)
    assert half == pytest.approx(0.98195, abs=1e-5)
    assert (found.mean.low, found.mean.high) == (0.0, 1.0)
    assert found.notices == ("of validation",)


def test_classes_by_hand():
    cat, dog, eel = summarise_folds([fold_run(fold) for fold in range(3)]).classes
    assert (cat.support, cat.mean, cat.standard_deviation, cat.recall.value) == (5, 1.0, 0.0, 1.0)
    assert (dog.support, dog.mean, dog.standard_deviation) == (5, 0.5, 0.5)
    assert dog.recall == wilson(3, 5)
    # Only one fold has eels: there is no spread of one.
    assert (eel.support, eel.mean, eel.standard_deviation) == (2, 0.5, None)


def test_the_corrected_interval_is_wider_than_students_and_that_of_a_reference():
    accuracies = [0.71, 0.74, 0.73, 0.70, 0.75]
    found = mean_over_folds(accuracies, 1 / 4)
    error = np.std(accuracies, ddof=1) * np.sqrt(1 / 5 + 1 / 4)
    low, high = stats.t.interval(0.95, 4, loc=np.mean(accuracies), scale=error)
    assert (found.low, found.high) == pytest.approx((low, high), rel=1e-12)
    plain = stats.t.interval(0.95, 4, loc=np.mean(accuracies), scale=stats.sem(accuracies))
    assert (high - low) / (plain[1] - plain[0]) == pytest.approx(1.5)
    assert "Nadeau" not in found.method
    assert found.method == "corrected resampled t 95 %"


def test_folds_without_spread_have_no_interval():
    found = mean_over_folds([0.8, 0.8, 0.8], 0.5)
    assert (found.value, found.low) == (pytest.approx(0.8), None)
    assert "no interval" in found.method


def test_text_and_json():
    found = summarise_folds([fold_run(fold) for fold in range(3)])
    text = str(found)
    assert "mean accuracy of 3 folds: 75.00 %, standard deviation 25.00 % (95 % interval" in text
    assert "out-of-fold accuracy: 75.00 % of 12 images" in text
    assert json.loads(json.dumps(json_data(found)))["mean"]["value"] == 0.75
    assert cl.summarise_folds is summarise_folds


def test_runs_that_are_no_folds_of_one_training():
    whole = [fold_run(fold) for fold in range(3)]
    with pytest.raises(CifarlabError, match="1 run: give all runs"):
        summarise_folds(whole[:1])
    with pytest.raises(CifarlabError, match="left out 8 of 12 training images"):
        summarise_folds(whole[:2])
    other = fold_run(2, recipe=Recipe(model="mlp", validation_fraction=1 / 3, seed=7))
    with pytest.raises(CifarlabError, match="differ in more than the fold"):
        summarise_folds([*whole[:2], other])
    with pytest.raises(CifarlabError, match="left out 8 of 12 training images, 4 of them more than once"):
        summarise_folds([*whole[:2], fold_run(2, ids=whole[0].said.ids)])
