import numpy as np
import pytest

from cifarlab.datasets import ImageSet
from cifarlab.datasets.exploration import statistics

BLACK_AND_WHITE = np.array([0, 255], dtype=np.uint8).reshape(2, 1, 1, 1)


def test_channel_statistics_are_those_of_all_pixels_together():
    images = np.zeros((2, 1, 2, 3), dtype=np.uint8)
    images[..., 0] = [[[0, 255]], [[255, 0]]]
    images[..., 1] = 51
    means, deviations = statistics.channel_statistics(images)
    np.testing.assert_allclose(means, [0.5, 0.2, 0])
    np.testing.assert_allclose(deviations, [0.5, 0, 0], atol=1e-9)


def test_channel_statistics_are_numpy_s_over_several_blocks():
    images = np.random.default_rng(0).integers(0, 256, (5000, 2, 3, 3), dtype=np.uint8)
    means, deviations = statistics.channel_statistics(images)
    np.testing.assert_allclose(means, images.mean(axis=(0, 1, 2)) / 255)
    np.testing.assert_allclose(deviations, images.std(axis=(0, 1, 2)) / 255)


def test_class_images_average_each_class_and_leave_an_empty_one_unknown():
    images = np.concatenate([BLACK_AND_WHITE, BLACK_AND_WHITE[:1] + 7])
    means, deviations = statistics.class_images(images, np.array([0, 0, 2]), 3)
    assert means.ravel()[[0, 2]].tolist() == [127.5, 7]
    assert deviations.ravel()[[0, 2]].tolist() == [127.5, 0]
    assert np.isnan(means[1]).all()
    assert np.isnan(deviations[1]).all()


def test_brightness_weighs_the_colours_and_contrast_is_their_spread():
    image = np.zeros((1, 1, 2, 3), dtype=np.uint8)
    image[0, 0, 0] = [0, 255, 0]
    brightness, contrast = statistics.brightness_and_contrast(image)
    assert brightness == pytest.approx(0.587 / 2)
    assert contrast == pytest.approx(0.587 / 2)
    assert statistics.brightness_and_contrast(BLACK_AND_WHITE)[0].tolist() == [0, 1]


def test_distributions_of_each_class_sum_to_one_and_keep_what_is_too_large():
    histograms, quantiles = statistics.distributions(np.array([0.1, 0.3, 9.0]), np.array([0, 0, 2]), 3, 0.4, bins=2)
    assert histograms.tolist() == [[0.5, 0.5], [0, 0], [0, 1]]
    assert quantiles[0, 2] == pytest.approx(0.2)
    assert np.isnan(quantiles[1]).all()


def test_samples_are_of_their_class_and_the_same_for_the_same_seed():
    labels = np.array([0, 1] * 20 + [2])
    samples = statistics.sample_per_class(labels, 4, 5, seed=3)
    assert [len(chosen) for chosen in samples] == [5, 5, 1, 0]
    assert all((labels[chosen] == label).all() for label, chosen in enumerate(samples))
    again = statistics.sample_per_class(labels, 4, 5, seed=3)
    assert all((one == other).all() for one, other in zip(samples, again, strict=True))


def test_class_counts_count_absent_classes_too():
    part = ImageSet(BLACK_AND_WHITE, np.array([2, 2]), np.array(["a", "b"]), ("x", "y", "z"))
    assert statistics.class_counts(part) == [0, 0, 2]
