import numpy as np
import pytest

from cifarlab.datasets import ImageSet
from cifarlab.datasets._split import choose, choose_by_content, hold_out
from cifarlab.utils.errors import CifarlabError


def image_set(labels):
    count = len(labels)
    images = np.arange(count, dtype=np.uint8).reshape(count, 1, 1, 1).repeat(3, axis=3)
    ids = np.array([f"x-{index}" for index in range(count)])
    return ImageSet(images, np.array(labels, np.int64), ids, tuple("abc"))


def test_every_class_gives_the_same_share_without_overlap_in_the_original_order():
    whole = image_set([0, 1, 2] * 60)
    kept, held = hold_out(whole, 0.1, seed=1)
    assert np.bincount(held.labels).tolist() == [6, 6, 6]
    assert np.bincount(kept.labels).tolist() == [54, 54, 54]
    assert sorted([*kept.ids, *held.ids]) == sorted(whole.ids)
    for part in (kept, held):
        indices = [int(name.removeprefix("x-")) for name in part.ids]
        assert indices == sorted(indices)
        assert part.images[:, 0, 0, 0].tolist() == indices
        assert part.labels.tolist() == whole.labels[indices].tolist()


def test_the_choice_is_the_same_forever_and_depends_on_the_seed():
    labels = np.arange(40) % 2
    assert np.flatnonzero(choose(labels, 0.1, seed=1)).tolist() == [9, 16, 36, 39]
    assert choose(labels, 0.1, seed=1).tolist() != choose(labels, 0.1, seed=2).tolist()


def test_fraction_zero_holds_out_nothing():
    kept, held = hold_out(image_set([0, 1, 2]), 0.0, seed=1)
    assert (len(kept), len(held)) == (3, 0)
    assert held.image_shape == (1, 1, 3)


@pytest.mark.parametrize("fraction", [0.01, 0.2, 0.99])
def test_small_classes_keep_one_and_give_one(fraction):
    held = choose(np.array([0, 1, 1, 2, 2, 2]), fraction, seed=1)
    counts = [int(held[rows].sum()) for rows in ([0], [1, 2], [3, 4, 5])]
    assert counts[:2] == [0, 1]
    assert 1 <= counts[2] <= 2


@pytest.mark.parametrize("folds", [2, 3, 5, 10])
def test_the_folds_hold_out_every_image_once(folds):
    labels = np.random.default_rng(0).integers(0, 4, 203)
    held = np.array([choose(labels, 1 / folds, seed=1, fold=fold) for fold in range(folds)])
    assert (held.sum(axis=0) == 1).all()
    for label in range(4):
        counts = held[:, labels == label].sum(axis=1)
        assert counts.max() - counts.min() <= 1


def test_the_first_fold_is_the_usual_validation_part():
    labels = np.arange(400) % 10
    np.testing.assert_array_equal(choose(labels, 0.1, seed=1, fold=0), choose(labels, 0.1, seed=1))


CONTENTS = np.array([f"{number:032x}" for number in range(400)])


@pytest.mark.parametrize("folds", [2, 3, 5, 7, 10])
def test_the_folds_by_content_hold_out_every_image_once(folds):
    labels = np.minimum(np.arange(400) // 3, 5)  # five classes of three, one of many
    held = np.array([choose_by_content(labels, CONTENTS, 1 / folds, 1, fold) for fold in range(folds)])
    assert (held.sum(axis=0) == 1).all()
    assert (held.mean(axis=1) < 2 / folds).all()
    for label in range(6):
        of_class = held[:, labels == label]
        assert of_class[0].any()
        assert not of_class.all(axis=1).any()


def test_by_content_the_choice_is_the_same_forever():
    assert np.flatnonzero(choose_by_content(np.zeros(40, int), CONTENTS[:40], 0.1, 1)).tolist() == [4, 23, 24, 25]


def test_by_content_others_change_nothing():
    labels = np.arange(400) % 2
    whole = choose_by_content(labels, CONTENTS, 0.2, 7)
    some = np.random.default_rng(0).permutation(400)[:200]
    np.testing.assert_array_equal(choose_by_content(labels[some], CONTENTS[some], 0.2, 7), whole[some])


@pytest.mark.parametrize("fraction", [0.01, 0.2, 0.5, 0.99])
def test_by_content_small_classes_keep_one_and_give_one(fraction):
    for first in range(0, 300, 2):
        contents = np.array([*CONTENTS[first : first + 2], "alone", "alone"])
        held = choose_by_content(np.array([0, 0, 1, 1]), contents, fraction, 1)
        assert held.tolist() in ([True, False, False, False], [False, True, False, False])


def test_an_empty_fold_is_refused():
    few = ImageSet(np.zeros((2, 1, 1, 3), np.uint8), np.zeros(2, np.int64), np.array(["x", "y"]), ("a",), CONTENTS[:2])
    held = [bool(choose_by_content(few.labels, CONTENTS[:2], 0.1, 1, fold).any()) for fold in range(10)]
    with pytest.raises(CifarlabError, match="fewer folds"):
        hold_out(few, 0.1, 1, held.index(False))
