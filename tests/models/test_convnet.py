import keras
import numpy as np
import pytest

from cifarlab.models import convnet


def test_whitened_patches_are_uncorrelated_with_variance_one():
    generator = np.random.default_rng(0)
    rough = generator.normal(128, 40, (300, 12, 12, 3))
    smooth = (rough + np.roll(rough, 1, 1) + np.roll(rough, 1, 2)) / 3 + generator.normal(0, 20, (300, 1, 1, 1))
    images = np.clip(smooth, 0, 255).astype(np.uint8)
    model = convnet.build((12, 12, 3), 4, widths=(4,))
    convnet.adapt(model, images, smallest_variance=0.0)
    whiten = keras.Model(model.input, model.get_layer("whiten").output)
    patches = keras.ops.convert_to_numpy(whiten(images.astype(np.float32)))
    half = patches[..., :12].reshape(-1, 12)
    np.testing.assert_allclose(half.mean(axis=0), 0, atol=1e-2)
    np.testing.assert_allclose(np.cov(half.T), np.eye(12), atol=2e-2)
    np.testing.assert_allclose(patches[..., 12:], -patches[..., :12], atol=1e-3)


def test_without_whitening_the_convolutions_see_the_pixels():
    model = convnet.build((16, 16, 3), 4, widths=(4, 8), whitening_pixels=0)
    assert model.get_layer("group1_conv1").kernel.shape == (3, 3, 3, 4)
    before = model.get_weights()
    convnet.adapt(model, np.zeros((5, 16, 16, 3), np.uint8))
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_whitening_is_frozen_and_all_else_is_trained():
    model = convnet.build((16, 16, 3), 4, widths=(4, 8), depth=3)
    names = {variable.path.split("/")[0] for variable in model.trainable_variables}
    assert not any(name.startswith("whiten") for name in names)
    assert len([v for v in model.trainable_variables if "conv" in v.path]) == 6


def test_first_filters_begin_as_identities():
    layer = convnet.build((16, 16, 3), 4, widths=(5, 8), whitening_pixels=1).get_layer("group2_conv1")
    kernel = np.array(keras.ops.convert_to_numpy(layer.kernel))  # (3, 3, 5, 8)
    channels = np.random.default_rng(0).normal(size=(1, 7, 7, 5)).astype(np.float32)
    result = keras.ops.convert_to_numpy(keras.ops.conv(channels, kernel, padding="same"))
    np.testing.assert_allclose(result[..., :5], channels, rtol=1e-6)
    noise = kernel[..., 5:]
    assert np.abs(noise).max() <= 45**-0.5
    assert noise.std() == pytest.approx(45**-0.5 / 3**0.5, rel=0.2)


def test_size_of_the_network_of_the_records():
    model = convnet.build((32, 32, 3), 10)
    groups = 9 * (24 * 64 + 64 * 64 + 64 * 256 + 3 * 256 * 256)
    assert sum(np.prod(v.shape) for v in model.trainable_variables) == groups + 2 * 64 + 4 * 256 + 2560


def test_depth_is_two_or_three():
    with pytest.raises(ValueError, match="depth"):
        convnet.build((32, 32, 3), 10, depth=4)
