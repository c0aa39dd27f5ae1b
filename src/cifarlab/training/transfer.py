"""Trained weights put into a new network: the body as it is, frozen or slow; the last layer new, fitted first.

The order of things is that of Kumar et al. 2022, "Fine-Tuning can Distort Pretrained Features and Underperform
Out-of-Distribution" (arXiv:2202.10054): a random last layer would send its errors through the body in the first steps.
"""

from typing import Any

import keras
import numpy as np

from cifarlab.datasets import ImageSet
from cifarlab.inference.forward import apply_in_batches, compile_forward
from cifarlab.inference.prediction import load_model
from cifarlab.models.pretrained import builtin
from cifarlab.training.optimizers.learning_rate_scales import ATTRIBUTE
from cifarlab.training.starting_point import StartingPoint
from cifarlab.utils.arrays import Array
from cifarlab.utils.errors import CifarlabError

TAKEN_OVER, FITTED, NEW = "taken over", "fitted", "new"
"""Where a last layer came from."""
# Inverse of the penalty on the last layer's weights, for features that vary by 1 in all. On classes like the source's,
# 1 to 100 differ by 4 points at most; on pictures of another kind less penalty is better, up to 12 points.
INVERSE_PENALTY = 10.0
_BATCH = 250
_MOST_ITERATIONS = 1000


def load_source(start: StartingPoint) -> keras.Model:
    """The network to begin with, in Keras's safe mode.

    Raises:
        CifarlabError: If it cannot be loaded, or does not end in a dense layer that names its classes.
    """
    model: keras.Model = builtin.load_model() if start.run is None else load_model(start.run)
    head = model.layers[-1]
    if not isinstance(head, keras.layers.Dense) or head.units != len(start.class_names):
        raise CifarlabError(
            f"{start.name} has no last layer to replace: expected a dense layer of {len(start.class_names)} logits at "
            f"its end, found {head.name} ({type(head).__name__}); begin with another run"
        )
    return model


def take_over(model: keras.Model, source: keras.Model, name: str, *, with_head: bool) -> None:
    """Give a network the weights of another one of the same kind.

    Args:
        model: Changed in place.
        source: What `load_source` gave.
        name: What the source is called.
        with_head: Whether the last layer too.

    Raises:
        CifarlabError: If they are networks of different shapes.
    """
    ours, theirs = (_weights(each, with_head) for each in (model, source))
    if [tuple(each.shape) for each in ours] != [tuple(each.shape) for each in theirs]:
        raise CifarlabError(
            f"the network of {name} has other layers than the recipe's: leave out settings such as model.widths"
        )
    for variable, value in zip(ours, theirs, strict=True):
        variable.assign(keras.ops.convert_to_numpy(value))


def slow_down(model: keras.Model, rate: float) -> None:
    """Let all but the last layer learn at a share of the learning rate; at 0 not at all.

    Args:
        model: Changed in place.
        rate: From 0 to 1. Below 1, batch normalisation is frozen: the statistics of a few pictures are worse than those
            that were taken over.
    """
    if rate == 1:
        return
    for layer in model.layers[:-1]:
        if rate == 0 or isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False
        for variable in layer.trainable_variables:
            own = getattr(variable, ATTRIBUTE, 1.0)
            setattr(variable, ATTRIBUTE, np.full(variable.shape, rate, np.float32) * own)


def fit_head(model: keras.Model, train: ImageSet, class_weights: Array | None = None) -> None:
    """Set the last layer by logistic regression on what the others make of the training images, computed once.

    Args:
        model: Changed in place. It ends in a dense layer.
        train: As they are, without augmentation.
        class_weights: `(K,)`, how much an image of each class counts; None for all alike.
    """
    if len(np.unique(train.labels)) < 2:
        return
    head = model.layers[-1]
    body = keras.Model(model.inputs, head.input)
    features = apply_in_batches(compile_forward(body), train.images, _BATCH)
    weights = None if class_weights is None else class_weights[train.labels]  # (N,)
    kernel, bias = regress(features, train.labels, head.units, with_bias=head.use_bias, weights=weights)
    head.kernel.assign(kernel)
    if head.use_bias:
        head.bias.assign(bias)


def regress(
    features: Array, labels: Array, num_classes: int, *, with_bias: bool, weights: Array | None = None
) -> tuple[Array, Array]:
    """Weights and biases of a dense layer, by logistic regression.

    Args:
        features: `(N, F)` float32.
        labels: `(N,)` int, of two classes at least; a class without images gets zeros.
        num_classes: K.
        with_bias: Whether the layer has biases.
        weights: `(N,)`, how much each image's loss counts; None for all alike.

    Returns:
        `(F, K)` and `(K,)` float32.
    """
    from sklearn.linear_model import LogisticRegression  # slow to import

    # By one number for all, which the weights are divided by in the end: the penalty then means the same everywhere.
    spread = float(np.sqrt(features.var(axis=0, dtype=np.float64).sum())) or 1.0
    fitted = LogisticRegression(C=INVERSE_PENALTY, fit_intercept=with_bias, max_iter=_MOST_ITERATIONS)
    fitted.fit(features / spread, labels, sample_weight=weights)
    coefficients, intercepts = _for_each_class(fitted)
    kernel, bias = np.zeros((features.shape[1], num_classes), np.float32), np.zeros(num_classes, np.float32)
    kernel[:, fitted.classes_] = coefficients.T / spread
    bias[fitted.classes_] = intercepts
    return kernel, bias


def _for_each_class(fitted: Any) -> tuple[Array, Array]:
    """Weights and intercepts of every class; of two, scikit-learn gives the second one's against the first's."""
    coefficients, intercepts = np.asarray(fitted.coef_), np.broadcast_to(fitted.intercept_, len(fitted.coef_))
    if len(fitted.classes_) > 2:
        return coefficients, intercepts
    return np.concatenate([-coefficients, coefficients]) / 2, np.concatenate([-intercepts, intercepts]) / 2


def _weights(model: keras.Model, with_head: bool) -> list[Any]:
    """Without the random states of dropout, which are no weights."""
    layers = model.layers if with_head else model.layers[:-1]
    return [weight for layer in layers for weight in layer.weights]
