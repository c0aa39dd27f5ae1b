"""Augmented copies: their weights and pixels against hand-made ones, and what averaging means for a model."""

import numpy as np
import pytest
from scipy import special

from cifarlab.inference.tta import NAMES, SURE_MARGIN, averaged, make_views
from cifarlab.runs.layout import describe_tta
from cifarlab.utils.errors import CifarlabError

IMAGES = np.random.default_rng(0).integers(256, size=(3, 6, 5, 3), dtype=np.uint8)


def count_pixels(images):
    """A linear model of the image: every pixel has its own weight, so that each view is told from the others."""
    weights = np.random.default_rng(1).normal(size=(images[0].size, 4))
    return (images.reshape(len(images), -1) @ weights).astype(np.float32)


def brightness_of_columns(images):
    """A model that is the same for an image and its mirror, to the last bit."""
    columns = images.astype(np.int64).sum(axis=(1, 3))  # (N, W)
    return np.stack([columns.max(axis=1), columns.min(axis=1)], axis=1).astype(np.float32)


@pytest.mark.parametrize(
    ("tta", "weights"), [("none", [1]), ("flip", [1 / 2] * 2), ("flip-shift", [1 / 4] * 2 + [1 / 8] * 4)]
)
def test_weights_sum_to_one_and_views_keep_the_shape(tta, weights):
    views = list(make_views(IMAGES, tta))
    assert [weight for weight, _ in views] == weights
    assert sum(weights) == 1
    assert all(view.shape == IMAGES.shape and view.dtype == np.uint8 for _, view in views)
    np.testing.assert_array_equal(views[0][1], IMAGES)


def test_flip_is_the_mirror():
    (_, (_, mirror)) = make_views(IMAGES, "flip")
    for column in range(5):
        np.testing.assert_array_equal(mirror[:, :, column], IMAGES[:, :, 4 - column])


def test_a_shift_moves_by_one_pixel_and_reflects_the_edge():
    views = [view for _, view in make_views(IMAGES, "flip-shift")]
    up_left, down_right = views[2], views[4]
    rows, columns = np.arange(6), np.arange(5)
    # Pixel (y, x) of the picture moved up and left was at (y + 1, x + 1); beyond the last row comes the last but one.
    after = IMAGES[:, np.where(rows == 5, 4, rows + 1)][:, :, np.where(columns == 4, 3, columns + 1)]
    before = IMAGES[:, np.where(rows == 0, 1, rows - 1)][:, :, np.where(columns == 0, 1, columns - 1)]
    np.testing.assert_array_equal(up_left, after)
    np.testing.assert_array_equal(down_right, before)
    np.testing.assert_array_equal(views[3], after[:, :, ::-1])
    np.testing.assert_array_equal(views[5], before[:, :, ::-1])


def test_it_is_what_airbench_does():
    """`0.5 * mirrored(image) + 0.5 * mean of mirrored(both shifts)`, in the words of infer_mirror_translate."""

    def mirrored(images):
        return 0.5 * count_pixels(images) + 0.5 * count_pixels(images[:, :, ::-1])

    padded = np.pad(IMAGES, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")
    shifts = [mirrored(padded[:, 0:6, 0:5]), mirrored(padded[:, 2:8, 2:7])]
    expected = 0.5 * mirrored(IMAGES) + 0.5 * np.mean(shifts, axis=0)
    np.testing.assert_allclose(averaged(count_pixels, "flip-shift")(IMAGES), expected, rtol=1e-4)


def test_a_model_that_does_not_tell_mirrors_apart_answers_the_same_with_flip():
    answer = averaged(brightness_of_columns, "flip")(IMAGES)
    assert answer.dtype == np.float32
    np.testing.assert_array_equal(answer, brightness_of_columns(IMAGES))


def test_with_flip_an_image_and_its_mirror_get_the_same_answer():
    flip = averaged(count_pixels, "flip")
    np.testing.assert_allclose(flip(IMAGES), flip(IMAGES[:, :, ::-1]), rtol=1e-5)
    assert not np.allclose(count_pixels(IMAGES), count_pixels(IMAGES[:, :, ::-1]))


@pytest.mark.parametrize("count", [1, 2, 7])
def test_selective_sees_only_those_again_that_the_model_is_unsure_of(count):
    images = np.random.default_rng(2).integers(256, size=(count, 6, 5, 3), dtype=np.uint8)
    seen = []

    def model(batch):
        seen.append(len(batch))
        logits = count_pixels(batch) / 2000
        logits[batch[:, 0, 0, 0] < 128, 0] += 100  # sure, whatever the rest is
        return logits

    sure = images[:, 0, 0, 0] < 128
    expected = np.where(sure[:, None], model(images), averaged(model, "flip-shift")(images))
    probabilities = special.softmax(model(images)[~sure], axis=1)
    highest = np.sort(probabilities, axis=1)
    assert np.all(highest[:, -1] - highest[:, -2] < SURE_MARGIN)  # else the test proves nothing
    seen.clear()
    np.testing.assert_allclose(averaged(model, "selective")(images), expected, rtol=1e-4, atol=1e-4)
    assert set(seen) == {count}  # one shape, which is compiled once
    assert sum(seen[1:]) < 5 * (~sure).sum() + count  # what fills the last batch up counts too


def test_selective_answers_the_same_whatever_else_is_in_the_batch():
    images = np.random.default_rng(3).integers(256, size=(9, 6, 5, 3), dtype=np.uint8)
    selective = averaged(lambda batch: count_pixels(batch) / 5000, "selective")
    alone = np.concatenate([selective(images[row : row + 1]) for row in range(9)])
    np.testing.assert_allclose(selective(images), alone, rtol=1e-5, atol=1e-6)
    assert not np.allclose(alone, count_pixels(images) / 5000)  # some were seen again


def test_none_is_the_function_itself():
    assert averaged(count_pixels, "none") is count_pixels
    assert [describe_tta(tta) for tta in NAMES] == [
        "without TTA",
        "TTA flip",
        "TTA flip-shift",
        "TTA selective",
    ]


def test_a_misspelt_name_gets_the_nearest_right_one():
    with pytest.raises(CifarlabError, match=r"unknown TTA 'flipshift': did you mean flip-shift\? known: none, flip"):
        averaged(count_pixels, "flipshift")
