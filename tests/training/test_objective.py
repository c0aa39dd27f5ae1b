import keras
import numpy as np
import pytest
import sklearn.metrics

from cifarlab.training.objective import objective


@pytest.fixture
def batch():
    generator = np.random.default_rng(0)
    return generator.integers(0, 5, 40).astype("int32"), generator.normal(size=(40, 5)).astype("float32")


def test_agrees_with_scikit_learn(batch):
    labels, logits = batch
    loss, right = objective(labels, logits, 0.0)
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    assert float(loss) == pytest.approx(sklearn.metrics.log_loss(labels, probabilities), rel=1e-5)
    assert int(right) == (logits.argmax(1) == labels).sum()


def test_label_smoothing_agrees_with_keras(batch):
    labels, logits = batch
    expected = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.2)(np.eye(5)[labels], logits)
    assert float(objective(labels, logits, 0.2)[0]) == pytest.approx(float(expected), rel=1e-5)
