"""Images that a run was trained on, counted among those that it is asked about."""

import dataclasses

import numpy as np
import pytest

from cifarlab import recipes, runs
from cifarlab.datasets import ImageSet, Source
from cifarlab.evaluation.overlap import describe, summarise
from cifarlab.metrics.statistics.intervals import wilson
from cifarlab.runs import training_dynamics
from cifarlab.runs.trained_images import (
    Overlap,
    TrainedImages,
    find_overlap,
    hash_images,
    known_images,
    remember_images,
)
from cifarlab.runs.training_dynamics import Curves
from cifarlab.utils import files
from cifarlab.utils.errors import CifarlabError

NAMES = ("a", "b")


def images(ids, seed=0, values=None):
    count = len(ids)
    pixels = np.random.default_rng(seed).integers(0, 256, (count, 4, 4, 3), dtype=np.uint8)
    if values is not None:
        pixels = values
    return ImageSet(pixels, np.arange(count) % 2, np.array(ids, dtype=str), NAMES)


@pytest.fixture
def run(tmp_path):
    run = runs.create_run(tmp_path, "tiny")
    files.write_json(run.recipe_file, recipes.to_dict(recipes.Recipe(model="mlp", data="folder:x")))
    files.write_json(run.data_file, dataclasses.asdict(Source("folder:x", "here", "made")))
    return run


def test_hashes_are_of_the_pixels_alone():
    one = images(["p", "q"])
    other = images(["q", "r"], values=one.images[::-1].copy())
    assert hash_images(one.images).dtype == np.uint64
    np.testing.assert_array_equal(hash_images(one.images), hash_images(other.images)[::-1])
    changed = one.images.copy()
    changed[0, 0, 0, 0] ^= 1
    assert hash_images(changed)[0] != hash_images(one.images)[0]
    assert hash_images(changed)[1] == hash_images(one.images)[1]


def test_copies_are_found_under_any_name_and_altered_pictures_under_their_old_one(run):
    train = images(["a/0.png", "a/1.png", "b/0.png"])
    remember_images(run, train)
    evaluated = images(["a/9.png", "a/1.png", "b/0.png", "b/7.png"], seed=1)
    evaluated.images[0] = train.images[0]  # a copy under a new name
    evaluated.images[2] = train.images[2]  # the picture itself
    overlap = find_overlap(run, evaluated, "folder:x")
    assert overlap is not None
    assert overlap.copies.tolist() == [True, False, True, False]
    assert overlap.renamed.tolist() == [False, True, False, False]
    assert overlap.trained_on.tolist() == [True, True, True, False]


def test_the_same_id_of_another_data_set_is_another_image(run):
    remember_images(run, images(["a/0.png", "a/1.png"]))
    evaluated = images(["a/0.png", "a/1.png"], seed=1)
    overlap = find_overlap(run, evaluated, "folder:other")
    assert overlap is not None
    assert not overlap.trained_on.any()


def test_fifty_thousand_images_take_little_room(run):
    ids = [f"train-{number:05d}" for number in range(50_000)]
    remember_images(run, images(ids))
    assert run.trained_images_file.stat().st_size < 1_000_000


def test_a_run_of_an_earlier_version_is_held_against_its_training_images_while_they_are_the_same(run):
    train = images(["a/0.png", "a/1.png"])
    files.write_json(run.data_file, {**run.data, "fingerprints": {"train": train.fingerprint}})
    evaluated = images(["a/5.png", "a/6.png"], seed=1)
    evaluated.images[1] = train.images[0]
    overlap = find_overlap(run, evaluated, "folder:x", lambda: train)
    assert overlap is not None
    assert overlap.trained_on.tolist() == [False, True]
    assert find_overlap(run, evaluated, "folder:x", lambda: evaluated) is None  # these are other images
    assert find_overlap(run, evaluated, "folder:x", lambda: None) is None


def test_of_altered_data_an_earlier_version_still_knows_the_ids(run):
    files.write_json(run.data_file, {**run.data, "fingerprints": {"train": "blake2b:0"}})
    curves = [
        Curves(np.array(ids), np.zeros((1, len(ids)), np.float16), np.zeros((1, len(ids)), bool))
        for ids in (["a/0.png", "a/1.png"], ["b/0.png"])
    ]
    training_dynamics.save(run.dynamics_file, curves, compress=True)
    evaluated = images(["a/1.png", "b/0.png"], seed=1)
    overlap = find_overlap(run, evaluated, "folder:x", lambda: evaluated)
    assert overlap is not None
    assert overlap.trained_on.tolist() == [True, False]


def test_a_broken_record_is_said(run):
    run.trained_images_file.write_bytes(b"no archive")
    with pytest.raises(CifarlabError, match=r"cannot read .*trained-images\.npz"):
        find_overlap(run, images(["a"]), "folder:x")


def test_the_sentence_counts_names_and_gives_the_accuracy_on_the_others():
    copies = np.arange(200) < 37
    ids = np.array([f"a/{number:03d}.png" for number in range(200)])
    right = np.arange(200) < 37 + 80  # all copies, and 80 of the others
    summary = summarise(Overlap(copies, np.zeros(200, bool), np.zeros(200, bool)), ids, right)
    without = wilson(80, 163)
    assert summary.accuracy_without == without
    low, high = 100 * without.low, 100 * without.high
    assert describe(summary, 200, "test") == [
        "37 of 200 test images are copies of training images (a/000.png, a/001.png, a/002.png, ...): accuracy on them "
        f"is no test; on the other 163 it is {100 * 80 / 163:.2f} % (95 % interval {low:.2f} to {high:.2f})."
    ]


def test_nothing_is_said_where_there_is_no_overlap_and_no_number_where_there_is_nothing_else():
    none, ids = np.zeros(2, bool), np.array(["a", "b"])
    summary = summarise(Overlap(none, none, none), ids, ~none)
    assert describe(summary, 2, "test") == []
    summary = summarise(Overlap(~none, none, none), ids, ~none)
    assert summary.accuracy_without is None
    (sentence,) = describe(summary, 2, "test")
    assert sentence.startswith("All 2 test images are copies of training images (a, b)")
    assert sentence.endswith("and there are no others.")


def test_one_copy_is_said_in_the_singular():
    one, ids = np.array([True, False]), np.array(["a", "b"])
    (sentence,) = describe(summarise(Overlap(one, ~one & one, ~one & one), ids, one), 2, "test")
    assert sentence.startswith("1 of 2 test images is a copy of a training image (a)")


def test_both_kinds_are_told_apart():
    ids = np.array(list("abcd"))
    summary = summarise(Overlap(ids < "c", ids == "c", ids == "z"), ids, ids == "a")
    (sentence,) = describe(summary, 4, "validation")
    assert sentence.startswith(
        "3 of 4 validation images are 2 copies of training images and 1 under the name of a training image, with "
        "other pixels (a, b, c)"
    )


def test_validation_images_are_counted_and_left_out_of_the_others(run):
    train, validation = images(["a/0.png", "a/1.png"]), images(["b/0.png", "b/1.png"], seed=2)
    remember_images(run, train, validation)
    evaluated = images(["t/0.png", "t/1.png", "t/2.png", "t/3.png"], seed=1)
    evaluated.images[0], evaluated.images[1] = train.images[1], validation.images[0]
    overlap = find_overlap(run, evaluated, "folder:other")
    assert overlap is not None
    assert (overlap.trained_on.tolist(), overlap.seen.tolist()) == (
        [True, False, False, False],
        [True, True, False, False],
    )
    numbers = summarise(overlap, evaluated.ids, np.array([True, True, False, True]))
    assert (numbers.count, numbers.chosen_by, numbers.accuracy_without.value) == (2, 1, 0.5)
    (sentence,) = describe(numbers, 4, "test")
    assert sentence.startswith(
        "2 of 4 test images are 1 copy of a training image and 1 validation image that the epoch was chosen by"
    )
    own = find_overlap(run, validation, "folder:x", are_validation=True)
    assert own is not None
    assert not own.seen.any()


def test_what_the_weights_it_began_with_were_trained_on_counts_too(run):
    first, own = images(["a/0.png", "a/1.png"]), images(["b/0.png", "b/1.png"], seed=2)
    chosen = images(["v/0.png", "v/1.png"], seed=3)
    source = TrainedImages(first.ids, hash_images(first.images), hash_images(chosen.images))
    remember_images(run, own, own.take(np.arange(0)), source)
    evaluated = images(["t/0.png", "t/1.png", "t/2.png", "t/3.png"], seed=1)
    evaluated.images[:3] = first.images[1], own.images[0], chosen.images[0]
    overlap = find_overlap(run, evaluated, "folder:other")
    assert overlap is not None
    assert overlap.copies.tolist() == [True, True, False, False]
    assert overlap.chosen_by.tolist() == [False, False, True, False]
    known = known_images(run)
    assert known is not None
    assert len(known.all_hashes) == 4  # what begins with this run in turn is told of all of them
