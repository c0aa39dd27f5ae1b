import numpy as np
import pytest
from sklearn.datasets import load_digits

from cifarlab.datasets import load_data


@pytest.fixture(scope="module")
def splits():
    return load_data("digits")


def test_every_digit_is_in_exactly_one_split(splits):
    ids = [*splits.train.ids, *splits.validation.ids, *splits.test.ids]
    assert sorted(ids) == [f"digits-{index:04d}" for index in range(1797)]
    assert len(splits.test) == 359
    assert splits.train.image_shape == (32, 32, 3)
    assert splits.source.data_dir is None


def test_pixels_are_those_of_scikit_learn(splits):
    index = int(splits.test.ids[10].removeprefix("digits-"))
    original = load_digits()
    assert splits.test.labels[10] == original.target[index]
    np.testing.assert_array_equal(splits.test.images[10, ::4, ::4, 0], np.rint(original.images[index] * 255 / 16))
    assert (splits.train.images.min(), splits.train.images.max()) == (0, 255)


def test_the_same_every_time(splits):
    again = load_data("digits")
    for name in ("train", "validation", "test"):
        assert again[name].ids.tolist() == splits[name].ids.tolist()
