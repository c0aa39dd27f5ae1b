import keras
import numpy as np
import pytest

if keras.backend.backend() != "tensorflow":
    pytest.skip("for the TensorFlow backend", allow_module_level=True)

import tensorflow as tf

from cifarlab.training.tensorflow_layers import (
    FusedBatchNormalization,
    FusedGELU,
    FusedSiLU,
    SmallImageConvolution,
    faster,
)


@pytest.mark.parametrize("scale", [True, False])
def test_agrees_with_keras_forward_backward_and_in_its_statistics(scale):
    images = tf.constant(np.random.default_rng(0).normal(3, 2, (32, 5, 4, 3)).astype(np.float32))
    results = []
    for wrap in (lambda layer: layer, FusedBatchNormalization):
        layer = keras.layers.BatchNormalization(momentum=0.6, epsilon=1e-4, scale=scale)
        layer.build((None, 5, 4, 3))
        used = wrap(layer)
        with tf.GradientTape() as tape:
            tape.watch(images)
            loss = tf.reduce_sum(used(images, training=True) ** 3)
        gradients = tape.gradient(loss, [images, *(v.value for v in layer.trainable_variables)])
        inference = used(images, training=False)
        results.append([loss, *gradients, inference, layer.moving_mean.numpy()])
        variance = layer.moving_variance.numpy()
        spread = np.var(images, axis=(0, 1, 2)) * (1 if used is layer else 640 / 639)  # TensorFlow's is unbiased
        np.testing.assert_allclose(variance, 0.6 + 0.4 * spread, rtol=1e-4)
    for expected, own in zip(*results, strict=True):
        if own is results[1][-2]:
            np.testing.assert_allclose(own, expected, rtol=1e-2, atol=1e-2)  # by the unbiased variance
        else:
            np.testing.assert_allclose(own, expected, rtol=1e-3, atol=1e-3)


def test_normalises_vectors_as_keras_does():
    vectors = tf.constant(np.random.default_rng(0).normal(3, 2, (64, 5)).astype(np.float32))
    results = []
    for wrap in (lambda layer: layer, FusedBatchNormalization):
        layer = keras.layers.BatchNormalization(momentum=0.6, epsilon=1e-4)
        layer.build((None, 5))
        with tf.GradientTape() as tape:
            tape.watch(vectors)
            normalised = wrap(layer)(vectors, training=True)
            loss = tf.reduce_sum(normalised**3)
        results.append([normalised, tape.gradient(loss, vectors), layer.moving_mean.numpy()])
    for expected, own in zip(*results, strict=True):
        assert own.shape == expected.shape
        np.testing.assert_allclose(own, expected, rtol=1e-3, atol=1e-3)


def test_trains_the_variables_of_the_wrapped_layer():
    layer = keras.layers.BatchNormalization(scale=False)
    layer.build((None, 4, 4, 2))
    wrapped = FusedBatchNormalization(layer)
    assert [id(v) for v in wrapped.trainable_variables] == [id(v) for v in layer.trainable_variables]
    assert len(wrapped.non_trainable_variables) == 2


def gradients_of(layer, images, variables):
    with tf.GradientTape() as tape:
        tape.watch(images)
        loss = tf.reduce_sum(tf.sin(layer(images)))
    return [loss, *tape.gradient(loss, [images, *variables])]


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (5, 5), (8, 8), (9, 9)])
def test_convolution_agrees_with_keras(size):
    images = tf.constant(np.random.default_rng(0).normal(size=(3, *size, 4)).astype(np.float32))
    layer = keras.layers.Conv2D(5, 3, padding="same", use_bias=False)
    layer.build((None, *size, 4))
    twin = faster(layer)
    assert isinstance(twin, SmallImageConvolution)
    variables = [layer.kernel.value]
    for own, expected in zip(
        gradients_of(twin, images, variables), gradients_of(layer, images, variables), strict=True
    ):
        np.testing.assert_allclose(own, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("scale", [0.1, 1.0, 6.0])
def test_gelu_agrees_with_keras(scale):
    vectors = tf.constant(np.random.default_rng(0).normal(0, scale, (50, 7)).astype(np.float32))
    layer = keras.layers.Activation("gelu")
    twin = faster(layer)
    assert isinstance(twin, FusedGELU)
    for own, expected in zip(gradients_of(twin, vectors, []), gradients_of(layer, vectors, []), strict=True):
        np.testing.assert_allclose(own, expected, rtol=1e-4, atol=1e-6)


def test_silu_agrees_with_keras():
    images = tf.constant(np.linspace(-20, 20, 101, dtype=np.float32).reshape(1, 101))
    layer = keras.layers.Activation("silu")
    twin = faster(layer)
    assert isinstance(twin, FusedSiLU)
    for own, expected in zip(gradients_of(twin, images, []), gradients_of(layer, images, []), strict=True):
        np.testing.assert_allclose(own, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "layer",
    [
        keras.layers.Conv2D(5, 3, padding="valid", use_bias=False),
        keras.layers.Conv2D(5, 3, padding="same"),
        keras.layers.Conv2D(5, 5, padding="same", use_bias=False),
        keras.layers.Conv2D(5, 3, 2, padding="same", use_bias=False),
        keras.layers.Conv2D(4, 3, padding="same", use_bias=False, groups=2),
        keras.layers.Conv2D(5, 3, padding="same", use_bias=False, trainable=False),
        keras.layers.BatchNormalization(axis=1),
        keras.layers.Activation("relu"),
        keras.layers.Dense(3),
    ],
)
def test_all_else_is_left_as_it_is(layer):
    assert faster(layer) is layer


def test_frozen_normalisation_is_by_its_own_statistics_and_moves_none():
    random = np.random.default_rng(0)
    images = random.normal(3, 2, (4, 5, 5, 2)).astype(np.float32)
    layer = keras.layers.BatchNormalization(epsilon=1e-3)
    layer.build(images.shape)
    layer.moving_mean.assign([1.0, 2.0])
    layer.moving_variance.assign([4.0, 9.0])
    layer.trainable = False
    expected = (images - [1, 2]) / np.sqrt([4 + 1e-3, 9 + 1e-3])
    np.testing.assert_allclose(FusedBatchNormalization(layer)(images, training=True), expected, atol=1e-5)
    np.testing.assert_array_equal(layer.moving_mean, [1.0, 2.0])
