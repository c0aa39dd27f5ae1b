import keras
import numpy as np
import pytest

from cifarlab.training.augmentation.mixup_cutmix import MixUpCutMix
from cifarlab.training.engines import objective


@pytest.fixture
def images():
    """Each image one value of its own, so that the result tells who is in it."""
    return (np.arange(200, dtype=np.float32)[:, None, None, None] + np.zeros((1, 10, 8, 3), np.float32)) / 200


def mixed(images, mixup_alpha, cutmix_alpha):
    layer = MixUpCutMix(mixup_alpha, cutmix_alpha, keras.random.SeedGenerator(0), dtype="float32")
    return [keras.ops.convert_to_numpy(each) for each in layer(keras.ops.convert_to_tensor(images))]


def is_faded(result):
    """Whether all pixels of an image have the same value."""
    return np.ptp(result, axis=(1, 2, 3)) < 1e-6


def test_mixup_adds_each_image_and_the_next_in_its_share(images):
    result, share = mixed(images, 1.0, 0.0)
    expected = share[:, None, None, None] * images + (1 - share)[:, None, None, None] * np.roll(images, -1, axis=0)
    np.testing.assert_allclose(result, expected, atol=1e-6)
    assert is_faded(result).all()
    assert np.quantile(share, [0.25, 0.5, 0.75]) == pytest.approx([0.25, 0.5, 0.75], abs=0.1)  # Beta(1, 1) is uniform


def test_cutmix_puts_one_rectangle_of_the_next_image_into_each(images):
    result, share = mixed(images, 0.0, 1.0)
    theirs = np.roll(images, -1, axis=0)
    foreign = np.isclose(result, theirs)[..., 0]  # (B, H, W)
    assert np.logical_or(foreign, np.isclose(result, images)[..., 0]).all()
    np.testing.assert_allclose(1 - foreign.mean(axis=(1, 2)), share, atol=1e-6)
    for each in foreign:
        rows, columns = each.any(axis=1), each.any(axis=0)
        np.testing.assert_array_equal(each, np.outer(rows, columns))
        assert (np.diff(np.flatnonzero(rows)) == 1).all()
        assert (np.diff(np.flatnonzero(columns)) == 1).all()
    assert 0.1 < (1 - share).mean() < 0.5


def test_with_both_each_image_draws_which(images):
    result, share = mixed(images, 1.0, 1.0)
    partly = (share > 0.01) & (share < 0.99)
    assert 0.3 < is_faded(result)[partly].mean() < 0.7


def test_a_small_alpha_leaves_most_images_almost_alone(images):
    _, share = mixed(images, 0.1, 0.0)
    assert (np.minimum(share, 1 - share) < 0.05).mean() > 0.5


def test_the_loss_of_a_mixture_is_the_mixture_of_the_losses():
    generator = np.random.default_rng(0)
    labels, logits = generator.integers(0, 5, 40).astype("int32"), generator.normal(size=(40, 5)).astype("float32")
    share = generator.random(40).astype("float32")
    own, other = (keras.ops.convert_to_numpy(objective(each, logits, 0.1)[0]) for each in (labels, np.roll(labels, -1)))
    losses, right, _ = (keras.ops.convert_to_numpy(each) for each in objective(labels, [logits, share], 0.1))
    np.testing.assert_allclose(losses, share * own + (1 - share) * other, rtol=1e-5)
    np.testing.assert_array_equal(right, logits.argmax(1) == labels)
