import keras
import numpy as np
import pytest

if keras.backend.backend() != "tensorflow":
    pytest.skip("for the TensorFlow backend", allow_module_level=True)

import tensorflow as tf

from cifarlab.training.fused_batch_normalization import FusedBatchNormalization


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


def test_trains_the_variables_of_the_wrapped_layer():
    layer = keras.layers.BatchNormalization(scale=False)
    layer.build((None, 4, 4, 2))
    wrapped = FusedBatchNormalization(layer)
    assert [id(v) for v in wrapped.trainable_variables] == [id(v) for v in layer.trainable_variables]
    assert len(wrapped.non_trainable_variables) == 2
