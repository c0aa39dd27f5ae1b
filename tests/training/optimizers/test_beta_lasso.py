import keras
import numpy as np
import pytest

from cifarlab.recipes import Recipe
from cifarlab.training.optimizers.beta_lasso import with_beta_lasso
from cifarlab.training.optimizers.build import build_optimizer
from cifarlab.training.optimizers.schedules import WarmupThenDecay


def updated(values, gradients, optimizer):
    variable = keras.Variable(np.array(values, np.float32))
    optimizer.build([variable])
    optimizer.apply([keras.ops.convert_to_tensor(np.array(gradients, np.float32))], [variable])
    return keras.ops.convert_to_numpy(variable)


def test_a_step_worked_by_hand():
    optimizer = with_beta_lasso(keras.optimizers.SGD, 0.01, 50)(learning_rate=0.1)
    # 1 - 0.1 * 0.5 - 0.1 * 0.01; likewise below 0; 0.3 is smaller than 0.01 * 50.
    after = updated([[1.0, -1.0, 0.3, 0.0]], [[0.5, 0.5, 0.0, 0.0]], optimizer)
    np.testing.assert_allclose(after, [[0.949, -1.049, 0.0, 0.0]], rtol=1e-6)


def test_a_weight_that_was_cut_off_comes_back_when_its_gradient_is_large():
    optimizer = with_beta_lasso(keras.optimizers.SGD, 0.01, 50)(learning_rate=0.1)
    np.testing.assert_allclose(updated([[0.0, 0.0]], [[-10.0, -1.0]], optimizer), [[1.0 - 0.001, 0.0]], rtol=1e-6)


def test_vectors_are_updated_as_without():
    after = updated([0.3, -0.2], [1.0, 0.0], with_beta_lasso(keras.optimizers.SGD, 0.01, 50)(learning_rate=0.1))
    np.testing.assert_allclose(after, [0.2, -0.2], rtol=1e-6)


@pytest.mark.parametrize("optimizer", ["adam", "lion", "muon", "sgd"])
def test_every_optimizer_of_a_recipe_can_be_sparse(optimizer):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((20,)), keras.layers.Dense(30), keras.layers.Dense(2, name="logits")])
    recipe = Recipe(model="mlp", optimizer=optimizer, lasso=0.002, learning_rate=0.01)
    built = build_optimizer(recipe, WarmupThenDecay(0.01, 10, 0, "constant"), model)
    gradients = [keras.ops.zeros(variable.shape) for variable in model.trainable_variables]
    built.apply(gradients, model.trainable_variables)
    kernel = np.abs(keras.ops.convert_to_numpy(model.layers[0].kernel))
    assert 0.05 < (kernel == 0).mean() < 0.95
    assert kernel[kernel > 0].min() >= 0.1 - 1e-4  # lasso * lasso_beta
