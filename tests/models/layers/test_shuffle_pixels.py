"""Pixels in another order: the same for every image, carried by the saved model, unnoticed by a dense network."""

import keras
import numpy as np
import pytest

from cifarlab.models import bottleneck_mlp, convnet, mlp, pixel_order, resnet18, shuffle_images
from cifarlab.models.layers import shuffle_pixels


def batch(shape=(4, 8, 8, 3)):
    return np.random.default_rng(0).integers(0, 256, shape).astype("float32")


def test_a_place_shows_the_pixel_that_its_order_names():
    images = np.arange(2 * 2 * 3 * 2).reshape(2, 2, 3, 2).astype("float32")
    layer = shuffle_pixels.ShufflePixels([5, 4, 3, 2, 1, 0])
    expected = images[:, ::-1, ::-1]
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(layer(images)), expected)


def test_layer_and_numpy_shuffle_alike_and_lose_nothing():
    images = batch().astype(np.uint8)
    layer = shuffle_pixels.ShufflePixels(pixel_order(8, 8).tolist(), dtype="float32")
    shuffled = shuffle_images(images)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(layer(images.astype("float32"))), shuffled)
    np.testing.assert_array_equal(np.sort(shuffled, axis=None), np.sort(images, axis=None))
    assert shuffled.dtype == np.uint8


@pytest.mark.parametrize("build", [mlp.build, bottleneck_mlp.build, convnet.build, resnet18.build])
def test_a_model_behind_it_sees_shuffled_images_and_is_saved_whole(build, tmp_path):
    plain = build((8, 8, 3), 4)
    for variable in plain.trainable_variables:
        variable.assign(np.random.default_rng(1).normal(0, 0.1, variable.shape))
    model = shuffle_pixels.shuffle_inputs(plain)
    expected = keras.ops.convert_to_numpy(plain(shuffle_images(batch())))
    np.testing.assert_allclose(keras.ops.convert_to_numpy(model(batch())), expected, atol=1e-5)
    assert [layer.name for layer in model.layers[:2]] == ["pixels", "shuffle_pixels"]
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", compile=False, safe_mode=True)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(again(batch())), expected, atol=1e-5)


def test_images_of_another_size_are_refused():
    layer = shuffle_pixels.ShufflePixels(range(16))
    with pytest.raises(ValueError, match=r"expected images of 16 pixels\. Received: 8 x 8"):
        layer(batch())


def test_a_model_that_is_not_functional_is_refused():
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(3)])
    with pytest.raises(ValueError, match=r"(?i)functional|sequential"):
        shuffle_pixels.shuffle_inputs(model)
