import keras
import numpy as np
import pytest
import sklearn.metrics

from cifarlab.training.engines import objective


@pytest.fixture
def batch():
    generator = np.random.default_rng(0)
    return generator.integers(0, 5, 40).astype("int32"), generator.normal(size=(40, 5)).astype("float32")


def as_numpy(results):
    return [keras.ops.convert_to_numpy(each) for each in results]


def test_agrees_with_scikit_learn(batch):
    labels, logits = batch
    losses, right = as_numpy(objective(labels, logits, 0.0))
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    assert losses.mean() == pytest.approx(sklearn.metrics.log_loss(labels, probabilities), rel=1e-5)
    np.testing.assert_allclose(losses, -np.log(probabilities[np.arange(40), labels]), rtol=1e-5)
    np.testing.assert_array_equal(right, logits.argmax(1) == labels)


def test_label_smoothing_agrees_with_keras(batch):
    labels, logits = batch
    theirs = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.2, reduction=None)
    expected, ours = as_numpy([theirs(np.eye(5)[labels], logits), objective(labels, logits, 0.2)[0]])
    np.testing.assert_allclose(ours, expected, rtol=1e-5)
