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
    losses, right, weighted = as_numpy(objective(labels, logits, 0.0))
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    assert losses.mean() == pytest.approx(sklearn.metrics.log_loss(labels, probabilities), rel=1e-5)
    np.testing.assert_allclose(losses, -np.log(probabilities[np.arange(40), labels]), rtol=1e-5)
    np.testing.assert_array_equal(right, logits.argmax(1) == labels)
    np.testing.assert_array_equal(weighted, losses)


def test_label_smoothing_agrees_with_keras(batch):
    labels, logits = batch
    theirs = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.2, reduction=None)
    expected, ours = as_numpy([theirs(np.eye(5)[labels], logits), objective(labels, logits, 0.2)[0]])
    np.testing.assert_allclose(ours, expected, rtol=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_class_weights_multiply_what_is_minimised_and_no_loss_that_is_recorded(batch, smoothing):
    labels, logits = batch
    weights = np.array([1.0, 2.0, 0.5, 1.0, 3.0], np.float32)
    plain = as_numpy(objective(labels, logits, smoothing))
    losses, right, weighted = as_numpy(objective(labels, logits, smoothing, weights))
    np.testing.assert_array_equal(losses, plain[0])
    np.testing.assert_array_equal(right, plain[1])
    np.testing.assert_allclose(weighted, weights[labels] * losses, rtol=1e-5)
    if not smoothing:  # scikit-learn divides by the sum of the weights, the mean over a batch by its number of images
        probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        theirs = sklearn.metrics.log_loss(labels, probabilities, sample_weight=weights[labels], normalize=False)
        assert weighted.sum() == pytest.approx(theirs, rel=1e-5)


def test_each_label_of_a_mixed_image_is_weighted_by_its_own_class():
    labels, logits = np.array([0, 1], np.int32), np.array([[2.0, 0.0], [0.0, 1.0]], np.float32)
    share, weights = np.array([0.75, 1.0], np.float32), np.array([1.0, 4.0], np.float32)
    weighted = as_numpy(objective(labels, [logits, share], 0.0, weights))[2]
    log_p = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    # Image 0 is three quarters of class 0, weight 1, and one quarter of its neighbour's class 1, weight 4.
    np.testing.assert_allclose(weighted, [-0.75 * log_p[0, 0] - 0.25 * 4 * log_p[0, 1], -4 * log_p[1, 1]], rtol=1e-5)
