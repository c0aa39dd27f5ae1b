"""The sentences about duplicates beside the table: every combination of copies, near copies, labels and parts."""

import itertools

import numpy as np
import pytest

from cifarlab.datasets import ImageSet, Source, Splits
from cifarlab.datasets.exploration.duplicate_words import has_copies, is_plain, say_duplicates
from cifarlab.datasets.exploration.facts import DuplicateFacts, PairCounts, duplicate_facts
from cifarlab.datasets.exploration.findings import find

PLACES = ("within training", "within test", "between training and test")


def part(name: str, images: np.ndarray, labels: np.ndarray) -> ImageSet:
    ids = np.array([f"{name}-{row}" for row in range(len(images))], dtype=str)
    return ImageSet(images, labels, ids, ("a", "b"))


def facts_of(train, validation, test, labels=None):
    parts = []
    for number, (name, images) in enumerate((("train", train), ("validation", validation), ("test", test))):
        own = np.arange(len(images)) % 2 if labels is None else labels[number]
        parts.append(part(name, images, np.asarray(own, np.int64)))
    found = duplicate_facts(find(Splits(parts[0], parts[1], parts[2], Source("made", "here", "made")), map_images=4))
    return found, {"train": len(train), "validation": len(validation), "test": len(test)}


def noise(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)


def test_a_test_part_of_copies_is_said_to_measure_nothing():
    train = noise(40, 1)
    facts, sizes = facts_of(train, noise(0, 2), train)
    text = " ".join(say_duplicates(facts, sizes))
    assert facts.test_images_copied_from_training == 40
    assert text.startswith("All 40 test pictures are copies, byte for byte, of training pictures.")
    assert "no accuracy on this test set says anything of new pictures" in text
    assert "rather than" not in text
    assert not is_plain(facts, sizes)
    assert has_copies(facts)


@pytest.mark.parametrize("total", [20, 100])
def test_some_copies_are_counted_with_their_share(total):
    train, test = noise(50, 1), noise(total, 2)
    test[3], test[5] = train[0], train[7]
    facts, sizes = facts_of(train, noise(0, 3), test)
    assert say_duplicates(facts, sizes)[0].startswith(
        f"2 of {total} test pictures ({200 // total}.0 %) are copies, byte for"
    )


def test_copies_within_a_part_do_not_count_as_copies_between_parts():
    train, test = noise(20, 1), noise(10, 2)
    train[4], test[2], test[3] = train[3], test[1], test[1]
    facts, sizes = facts_of(train, noise(0, 3), test)
    said = say_duplicates(facts, sizes)
    assert said[0] == (
        "No test picture repeats a training picture, exactly or nearly, so memorising does not help the test score."
    )
    assert "2 training pictures have a copy, byte for byte, in the same part: each is learned from as often." in said
    assert "3 test pictures have a copy, byte for byte, in the same part: each counts as often in every score." in said


def test_validation_pictures_that_are_copies_are_named_as_what_the_best_epoch_is_chosen_by():
    train, validation = noise(20, 1), noise(6, 2)
    validation[0] = train[0]
    facts, sizes = facts_of(train, validation, noise(5, 3))
    (sentence,) = [each for each in say_duplicates(facts, sizes) if "validation" in each]
    assert sentence.startswith("Of the 6 validation pictures, 1 has a twin in train, 1 of them byte for byte")


def test_copies_with_different_labels_cannot_both_be_right():
    train = noise(20, 1)
    test = train[:4]
    labels = (np.zeros(20), np.zeros(0), np.array([1, 0, 1, 0]))
    facts, sizes = facts_of(train, noise(0, 2), test, labels)
    assert "In 2 pairs of copies, marked ≠, the two labels differ: at most one can be correct." in say_duplicates(
        facts, sizes
    )


def test_large_groups_of_copies_are_counted_whole_although_not_every_pair_is_listed():
    train, test = noise(90, 1), noise(90, 2)
    train[:80], test[:80] = train[0], train[0]
    facts, sizes = facts_of(train, noise(0, 3), test)
    assert facts.test_images_copied_from_training == facts.test_images_with_a_twin_in_training == 80
    assert facts.training_images_with_a_copy_in_training == facts.test_images_with_a_copy_in_test == 80
    assert "Of more than 64 copies of one picture the table counts pairs with the first." in say_duplicates(
        facts, sizes
    )


def made_up_facts(copied, near, conflicting, conflicting_near, validation, complete, groups):
    between = PairCounts(copied, near, conflicting=conflicting + conflicting_near)
    return DuplicateFacts(
        threshold=0.8,
        complete=complete,
        pairs={PLACES[0]: PairCounts(), PLACES[1]: PairCounts(), PLACES[2]: between},
        test_images_with_a_twin_in_training=copied + near,
        test_images_copied_from_training=copied,
        validation_images_with_a_twin_in_train=validation,
        validation_images_copied_from_train=validation // 2,
        training_images_with_a_copy_in_training=0,
        test_images_with_a_copy_in_test=0,
        conflicting_pairs_of_copies=conflicting,
        groups=groups,
        largest_group=2,
        largest_group_of_copies=2,
    )


def test_no_combination_contradicts_its_table():
    total, combinations = 50, 0
    for copied, near, wrong, wrong_near, validation, complete in itertools.product(
        (0, 1, 5, 50), (0, 1, 5, 40), (0, 1), (0, 3), (0, 1, 4), (True, False)
    ):
        if copied + near > total or wrong > copied or wrong_near > near:
            continue
        combinations += 1
        facts = made_up_facts(copied, near, wrong, wrong_near, validation, complete, groups=copied + near)
        text = " ".join(say_duplicates(facts, {"train": 100, "validation": 10, "test": total}))
        assert ("memorising does not help" in text) == (copied + near == 0)
        assert ("byte for byte, of training pictures" in text) == (copied > 0)
        assert ("All 50 test pictures are copies" in text) == (copied == total)
        assert ("rather than that they are copies" in text) == (copied == 0 and near > 10)
        assert ("nearly repeat" in text) == (near > 0)
        assert ("No pair" in text) == (copied + near > 0 and not wrong + wrong_near)
        assert ("the two labels differ: at most one" in text) == (wrong > 0)
        assert ("both may be correct" in text) == (wrong_near > 0 and near > 10)
        assert ("validation picture" in text) == (validation > 0)
        if not complete and copied + near == 0:
            assert "Among the pairs that were compared" in text
    assert combinations > 100


def test_without_test_pictures_nothing_is_said_of_a_score():
    facts = made_up_facts(0, 0, 0, 0, 0, True, 0)
    assert say_duplicates(facts, {"train": 10}) == ["There are no test pictures."]
