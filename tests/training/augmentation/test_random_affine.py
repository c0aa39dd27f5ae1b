import keras
import numpy as np
import pytest

from cifarlab.training.augmentation import random_affine
from cifarlab.training.augmentation.random_affine import RandomAffine


@pytest.fixture
def images():
    return np.random.default_rng(0).uniform(0, 255, (40, 8, 8, 3)).astype(np.float32)


def warped(images, rotate_degrees, zoom_factor, translate_pixels=0, seed=0):
    layer = RandomAffine(
        rotate_degrees, zoom_factor, translate_pixels, keras.random.SeedGenerator(seed), dtype="float32"
    )
    return keras.ops.convert_to_numpy(layer(keras.ops.convert_to_tensor(images)))


def looked_up(images, angle, tall, wide, down=0, right=0):
    angle, tall, wide, down, right = (
        keras.ops.convert_to_tensor(np.full(len(images), value, np.float32))
        for value in (angle, tall, wide, down, right)
    )
    transforms = random_affine._transforms(angle, (tall, wide), (down, right), images.shape[1:3])
    result = keras.ops.image.affine_transform(images, transforms, interpolation="bilinear", fill_mode="reflect")
    return keras.ops.convert_to_numpy(result)


def test_a_quarter_turn_is_numpys(images):
    np.testing.assert_allclose(looked_up(images, np.pi / 2, 1, 1), np.rot90(images, axes=(1, 2)), atol=0.05)


def test_twice_as_tall_shows_the_middle_half_of_the_rows(images):
    changed = looked_up(images, 0, 2, 1)
    rows = 3.5 + (np.arange(8) - 3.5) / 2  # 1.75, 2.25, ...
    low = rows.astype(int)
    part = (rows - low)[:, None, None]
    np.testing.assert_allclose(changed, (1 - part) * images[:, low] + part * images[:, low + 1], atol=0.05)


def test_nothing_wanted_changes_nothing(images):
    np.testing.assert_allclose(warped(images, 0, 0), images, atol=0.01)


def test_every_image_is_turned_by_its_own_chance_within_the_limits():
    ramp = np.broadcast_to(np.arange(32, dtype=np.float32)[:, None, None], (500, 32, 32, 1))  # the row's number
    changed = warped(ramp, 10.0, 0.0)
    slopes = changed[:, 16, 20, 0] - changed[:, 16, 12, 0]  # 8 columns along a row rise by 8 sin(angle)
    angles = np.degrees(np.arcsin(slopes / 8))
    assert np.abs(angles).max() <= 10.05
    assert np.quantile(angles, [0.25, 0.75]) == pytest.approx([-5, 5], abs=1)


def test_height_and_width_are_stretched_independently_within_the_limits():
    rows = np.broadcast_to(np.arange(32, dtype=np.float32)[:, None, None], (500, 32, 32, 1))
    both = np.concatenate([rows, rows.transpose(0, 2, 1, 3)], axis=-1)
    changed = warped(both, 0.0, 0.25)
    tall = 8 / (changed[:, 20, 16, 0] - changed[:, 12, 16, 0])
    wide = 8 / (changed[:, 16, 20, 1] - changed[:, 16, 12, 1])
    for factor in (tall, wide):
        assert 1 / 1.251 <= factor.min() < 0.82
        assert 1.22 < factor.max() <= 1.251
        assert np.median(factor) == pytest.approx(1, abs=0.03)
    assert abs(np.corrcoef(tall, wide)[0, 1]) < 0.15


def test_a_shift_by_whole_pixels_moves_rows_and_columns(images):
    changed = looked_up(images, 0, 1, 1, down=2, right=-1)  # what was two rows lower and a column to the left
    np.testing.assert_allclose(changed[:, :6, 1:], images[:, 2:, :7], atol=0.05)
    np.testing.assert_allclose(changed[:, 6, 1:], images[:, 7, :7], atol=0.05)  # the edge, reflected about itself


def test_every_image_is_shifted_by_its_own_chance_within_the_limits():
    rows = np.broadcast_to(np.arange(32, dtype=np.float32)[:, None, None], (500, 32, 32, 1))
    changed = warped(np.concatenate([rows, rows.transpose(0, 2, 1, 3)], axis=-1), 0.0, 0.0, 3)
    shifts = changed[:, 16, 16] - 16  # (500, 2)
    assert np.abs(shifts).max() <= 3.05
    assert np.quantile(shifts, [0.25, 0.75]) == pytest.approx([-1.5, 1.5], abs=0.3)
    assert abs(np.corrcoef(shifts.T)[0, 1]) < 0.15
