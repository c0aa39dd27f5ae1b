import keras
import numpy as np
import pytest

from cifarlab.training.augmentation.random_cutout import RandomCutout

HEIGHT, WIDTH = 12, 10


def cut_out(images, share=0.25):
    layer = RandomCutout(share, keras.random.SeedGenerator(0), dtype="float32")
    return keras.ops.convert_to_numpy(layer(keras.ops.convert_to_tensor(images)))


def test_one_square_of_each_image_is_mid_grey_and_all_else_as_before():
    images = np.random.default_rng(0).integers(0, 100, (400, HEIGHT, WIDTH, 3)).astype(np.float32)
    corners = []
    for before, after in zip(images, cut_out(images), strict=True):
        covered = after != before
        assert (covered == covered[..., :1]).all()  # in all channels alike
        np.testing.assert_array_equal(after[covered], 127.5)
        rows, columns = np.flatnonzero(covered.any(axis=(1, 2))), np.flatnonzero(covered.any(axis=(0, 2)))
        np.testing.assert_array_equal(rows, rows[0] + np.arange(3))
        np.testing.assert_array_equal(columns, columns[0] + np.arange(3))
        assert covered[..., 0].sum() == 9
        corners.append((rows[0], columns[0]))
    assert {row for row, _ in corners} == set(range(HEIGHT - 2))  # up to every border
    assert {column for _, column in corners} == set(range(WIDTH - 2))
    assert abs(np.corrcoef(np.transpose(corners))[0, 1]) < 0.2  # two draws, not one


def test_a_square_between_pixels_covers_those_whose_centres_it_holds():
    images = np.zeros((500, HEIGHT, WIDTH, 1), np.float32)
    sides = np.sqrt((cut_out(images, 3.4 / HEIGHT) != 0).sum(axis=(1, 2, 3)).astype(float))
    assert 3 <= sides.min() < sides.max() <= 4
    assert sides.mean() == pytest.approx(3.4, abs=0.1)
