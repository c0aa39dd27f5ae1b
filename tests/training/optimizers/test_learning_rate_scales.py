import keras
import numpy as np
import pytest

from cifarlab.models import bottleneck_mlp
from cifarlab.recipes import Recipe
from cifarlab.training.optimizers.build import build_optimizer
from cifarlab.training.optimizers.learning_rate_scales import with_learning_rate_scales
from cifarlab.training.optimizers.schedules import WarmupThenDecay

FACTORS = np.array([[1.0, 0.5], [0.1, 0.0]], np.float32)


def steps(optimizer, factors=None):
    """Where a kernel of zeros is after three steps with the gradients 1, 2 and 3."""
    variable = keras.Variable(np.zeros((2, 2), np.float32))
    if factors is not None:
        variable.learning_rate_scales = factors
    optimizer.build([variable])
    for size in (1.0, 2.0, 3.0):
        optimizer.apply([keras.ops.full((2, 2), size)], [variable])
    return keras.ops.convert_to_numpy(variable)


def test_a_step_worked_by_hand():
    moved = steps(with_learning_rate_scales(keras.optimizers.SGD)(learning_rate=0.1), FACTORS)
    np.testing.assert_allclose(moved, -0.6 * FACTORS, rtol=1e-6)


@pytest.mark.parametrize("name", ["Adam", "Lion", "SGD"])
def test_a_factor_multiplies_the_step_and_not_the_gradient(name):
    kind = getattr(keras.optimizers, name)
    plain = steps(kind(learning_rate=0.01))
    np.testing.assert_allclose(
        steps(with_learning_rate_scales(kind)(learning_rate=0.01), FACTORS), plain * FACTORS, rtol=1e-5
    )


def test_a_variable_without_factors_is_updated_as_ever():
    kind = keras.optimizers.Adam
    np.testing.assert_array_equal(
        steps(with_learning_rate_scales(kind)(learning_rate=0.01)), steps(kind(learning_rate=0.01))
    )


@pytest.mark.parametrize("optimizer", ["adam", "lion", "muon", "sgd"])
def test_far_weights_of_a_recipes_network_hardly_move(optimizer):
    keras.utils.set_random_seed(0)
    model = bottleneck_mlp.build(
        (8, 8, 3), 5, width=16, blocks=1, expansion=2, sigma_pixels=(1.0,), far_learning_rate_scale=0.01
    )
    kernel = model.get_layer("pixels_dense").kernel
    before, factors = keras.ops.convert_to_numpy(kernel), kernel.learning_rate_scales
    recipe = Recipe(model="bottleneck_mlp", optimizer=optimizer, learning_rate=0.01)
    built = build_optimizer(recipe, WarmupThenDecay(0.01, 10, 0, "constant"), model)
    rng = np.random.default_rng(0)
    gradients = [rng.normal(size=variable.shape).astype("float32") for variable in model.trainable_variables]
    built.apply([keras.ops.convert_to_tensor(gradient) for gradient in gradients], model.trainable_variables)
    moved = np.abs(keras.ops.convert_to_numpy(kernel) - before)
    assert moved[factors > 0.5].mean() > 20 * moved[factors < 0.02].mean() > 0
