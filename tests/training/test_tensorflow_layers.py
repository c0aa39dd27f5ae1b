import keras
import numpy as np
import pytest

if keras.backend.backend() != "tensorflow":
    pytest.skip("for the TensorFlow backend", allow_module_level=True)

import tensorflow as tf

from cifarlab.training.tensorflow_layers import (
    FusedBatchNormalization,
    FusedDropout,
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
        keras.layers.Conv2D(5, 3, padding="same", use_bias=False, activation="relu"),
        keras.layers.BatchNormalization(axis=1),
        keras.layers.Activation("relu"),
        keras.layers.Dense(3),
        keras.layers.Dropout(0.3, noise_shape=(None, 1)),
        keras.layers.Dropout(0),
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


def dropped(seed, rate, calls=1, shape=(500, 400)):
    """What one layer makes of ones, call after call: `calls` arrays of 0 and 1 / (1 - rate)."""
    twin = faster(keras.layers.Dropout(rate, seed=seed))
    assert isinstance(twin, FusedDropout)
    return [twin(tf.ones(shape), training=True).numpy() for _ in range(calls)]


@pytest.mark.parametrize("rate", [0.001, 0.1, 0.3, 0.5, 0.99])
def test_dropout_leaves_out_its_share_and_enlarges_the_others(rate):
    (once,) = dropped(0, rate)
    assert set(np.unique(once)) == {np.float32(0), np.float32(1 / (1 - rate))}
    spread = np.sqrt(rate * (1 - rate) / once.size)
    assert abs((once == 0).mean() - rate) < 5 * spread


def agreement(one, other):
    """How far two draws' joint frequency lies from that of independent ones, in standard deviations."""
    a, b = (one == 0).ravel(), (other == 0).ravel()
    return (np.mean(a & b) - a.mean() * b.mean()) / (a.mean() * (1 - a.mean()) / np.sqrt(a.size))


def test_dropout_is_independent_of_neighbours_of_other_calls_and_of_other_seeds():
    first, second = dropped(0, 0.3, calls=2)
    (other_seed,) = dropped(1, 0.3)
    pairs = [(first, second), (first, other_seed), (second, other_seed)]
    pairs += [(first[:, step:], first[:, :-step]) for step in (1, 2, 3, 7, 8, 16, 64)]  # places of one row
    pairs += [(first[step:], first[:-step]) for step in (1, 2, 4, 8, 256)]  # the same place of other rows
    assert max(abs(agreement(*pair)) for pair in pairs) < 5


def test_dropout_varies_between_rows_as_chance_does():
    counts = np.concatenate([(part == 0).sum(axis=1) for part in dropped(3, 0.2, calls=4)])  # 2000 rows of 400
    assert abs(counts.mean() - 80) < 5 * np.sqrt(64 / 2000)
    assert abs(counts.var() / 64 - 1) < 5 * np.sqrt(2 / 2000)  # a binomial's variance is 400 * 0.2 * 0.8


def test_dropout_repeats_itself_from_the_same_random_state():
    layer = keras.layers.Dropout(0.3, seed=0)
    twin = faster(layer)
    before = layer.seed_generator.state.numpy()
    first, second = (twin(tf.ones((20, 30)), training=True) for _ in range(2))
    layer.seed_generator.state.assign(before)
    np.testing.assert_array_equal(twin(tf.ones((20, 30)), training=True), first)
    assert not np.array_equal(first, second)
    assert [id(variable) for variable in twin.variables] == [id(layer.seed_generator.state)]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_gradient_of_dropout_is_what_the_numbers_were_multiplied_by(dtype):
    layer = keras.layers.Dropout(0.3, seed=0, dtype=dtype)
    numbers = tf.constant(np.random.default_rng(0).normal(size=(64, 33)), dtype)
    with tf.GradientTape() as tape:
        tape.watch(numbers)
        answers = faster(layer)(numbers, training=True)
    gradient = tape.gradient(answers, numbers)
    assert answers.dtype == gradient.dtype == numbers.dtype
    np.testing.assert_array_equal(answers, numbers * gradient)
    assert 0 < (gradient.numpy() == 0).mean() < 1


def test_dropout_leaves_all_as_it_is_outside_training():
    numbers = tf.ones((4, 5))
    np.testing.assert_array_equal(faster(keras.layers.Dropout(0.3))(numbers, training=False), numbers)
