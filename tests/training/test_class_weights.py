"""Weights of classes against scikit-learn's, and what is said of classes that differ in size."""

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from cifarlab.datasets import ImageSet, Source, Splits, describe
from cifarlab.recipes import Recipe
from cifarlab.training.class_weights import advise_on_imbalance, class_weights
from cifarlab.utils.errors import CifarlabError

NAMES = ("cat", "dog", "7")


def images(*counts):
    labels = np.repeat(np.arange(len(counts)), counts)
    return ImageSet(np.zeros((len(labels), 2, 2, 3), np.uint8), labels, np.arange(len(labels)).astype(str), NAMES)


def weights_of(weight, train):
    return class_weights(Recipe(model="mlp", class_weight=weight), train)


def test_balanced_is_scikit_learns():
    train = images(60, 3, 37)
    expected = compute_class_weight("balanced", classes=np.arange(3), y=train.labels)
    np.testing.assert_allclose(weights_of("balanced", train), expected, rtol=1e-6)
    assert (weights_of("balanced", train) * np.bincount(train.labels)).sum() == pytest.approx(100)
    assert weights_of("none", train) is None


@pytest.mark.parametrize(
    ("given", "expected"),
    [({"dog": 2}, [1, 2, 1]), ({0: 0.5, "7": 3.0}, [0.5, 1, 3]), ({"2": 4.0, "cat": 1.0}, [1, 1, 4])],
)
def test_a_class_is_named_or_numbered_and_a_name_goes_first(given, expected):
    np.testing.assert_array_equal(weights_of(given, images(1, 1, 1)), np.array(expected, np.float32))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"bat": 2.0}, "unknown class 'bat': did you mean cat"),
        ({"3": 2.0}, "unknown class '3'"),
        ({"dog": 2.0, "1": 3.0}, "names dog twice"),
    ],
)
def test_a_class_that_is_none_is_refused(given, message):
    with pytest.raises(CifarlabError, match=message):
        weights_of(given, images(1, 1, 1))


def test_an_empty_class_cannot_be_balanced():
    with pytest.raises(CifarlabError, match="every class: dog has none"):
        weights_of("balanced", images(3, 0, 1))


def test_imbalance_is_said_from_ten_to_one_on_with_what_helps_and_is_not_set():
    said = "The classes differ much in size: 30 images of cat to train on, 3 images of dog."
    both = " Try --set class_weight=balanced --set select_by=balanced_accuracy."
    assert advise_on_imbalance(Recipe(model="mlp"), images(29, 3, 9)) == ""
    assert advise_on_imbalance(Recipe(model="mlp"), images(30, 3, 9)) == said + both
    balanced = Recipe(model="mlp", class_weight="balanced")
    assert advise_on_imbalance(balanced, images(30, 3, 9)) == said + " Try --set select_by=balanced_accuracy."
    done = Recipe(model="mlp", class_weight={"dog": 10.0}, select_by="macro_f1")
    assert advise_on_imbalance(done, images(30, 3, 9)) == said
    nothing = advise_on_imbalance(Recipe(model="mlp", select_by="loss"), images(30, 0, 9))
    assert nothing == "The classes differ much in size: 30 images of cat to train on, 0 images of dog."


def test_who_looks_at_data_is_told_too():
    splits = Splits(images(30, 3, 9), images(1, 1, 1), images(1, 1, 1), Source("made up", "", "", {}))
    assert describe(splits)["notices"] == [
        "The classes differ much in size: 30 images of cat to train on, 3 images of dog."
    ]
