"""A last layer by logistic regression, and learning rates of what was taken over."""

import keras
import numpy as np
import pytest

from cifarlab.training import transfer
from cifarlab.training.optimizers.learning_rate_scales import ATTRIBUTE


def test_a_scale_that_a_variable_has_is_multiplied():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2), keras.layers.Dense(2)])
    kernel = model.layers[0].kernel
    setattr(kernel, ATTRIBUTE, np.full((2, 2), 0.5, np.float32))
    transfer.slow_down(model, 0.1)
    np.testing.assert_allclose(getattr(kernel, ATTRIBUTE), 0.05)
    assert not hasattr(model.layers[1].kernel, ATTRIBUTE)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_last_layer_is_scikit_learns_logistic_regression(classes, weighted):
    from sklearn.linear_model import LogisticRegression

    random = np.random.default_rng(0)
    labels = random.integers(0, classes, 90)
    features = (random.normal(size=(90, 5)) + 2 * labels[:, None] * random.normal(size=5)).astype(np.float32)
    spread = np.sqrt(features.var(axis=0).sum())
    weights = np.where(labels == 0, 5.0, 1.0) if weighted else None
    theirs = LogisticRegression(C=transfer.INVERSE_PENALTY, max_iter=1000).fit(features / spread, labels, weights)
    kernel, bias = transfer.regress(features, labels, classes, with_bias=True, weights=weights)
    logits = features @ kernel + bias
    ours = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(ours, theirs.predict_proba(features / spread), atol=1e-4)


def test_a_class_without_images_has_no_weights():
    features = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    kernel, bias = transfer.regress(features, np.repeat([0, 2], 20), 4, with_bias=False)
    assert kernel.shape == (3, 4)
    assert (kernel[:, [1, 3]] == 0).all()
    assert (kernel[:, [0, 2]] != 0).all()
    assert (bias == 0).all()
