import keras
import numpy as np
import pytest

from cifarlab.recipes import OPTIMIZERS, Recipe
from cifarlab.training.optimizers.build import build_optimizer
from cifarlab.training.optimizers.schedules import WarmupThenDecay
from cifarlab.utils.errors import CifarlabError


def updated(optimizer, variables, steps=5):
    generator = np.random.default_rng(1)
    for _ in range(steps):
        gradients = [keras.ops.convert_to_tensor(generator.normal(size=v.shape), "float32") for v in variables]
        optimizer.apply(gradients, variables)
    return [np.array(variable.numpy()) for variable in variables]


@pytest.fixture
def model():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((4,))
    return keras.Model(inputs, keras.layers.Dense(3, bias_initializer="ones")(inputs))


@pytest.mark.parametrize("amsgrad", [False, True])
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_adam_agrees_with_keras(model, weight_decay, amsgrad):
    recipe = Recipe(model="mlp", weight_decay=weight_decay, optimizer_args={"amsgrad": amsgrad})
    schedule = WarmupThenDecay(1e-2, 10, 2, "linear")
    reference = keras.models.clone_model(model)
    reference.set_weights(model.get_weights())
    adam = keras.optimizers.Adam(schedule, weight_decay=weight_decay or None, amsgrad=amsgrad)
    adam.exclude_from_weight_decay(var_names=["bias"])
    adam.build(reference.trainable_variables)
    ours = updated(build_optimizer(recipe, schedule, model), model.trainable_variables)
    for own, expected in zip(ours, updated(adam, reference.trainable_variables), strict=True):
        np.testing.assert_allclose(own, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", [name for name in OPTIMIZERS if name != "muon"])  # which refuses weight decay
def test_weight_decay_spares_biases(model, name):
    kernel, bias = (np.array(v.numpy()) for v in model.trainable_variables)
    recipe = Recipe(model="mlp", optimizer=name, weight_decay=0.5)
    optimizer = build_optimizer(recipe, WarmupThenDecay(0.1, 10, 0, "constant"), model)
    zeros = [keras.ops.zeros(v.shape) for v in model.trainable_variables]
    optimizer.apply(zeros, model.trainable_variables)
    np.testing.assert_allclose(model.trainable_variables[0].numpy(), kernel * (1 - 0.5 * 0.1), rtol=1e-5)
    np.testing.assert_allclose(model.trainable_variables[1].numpy(), bias)


def test_a_long_gradient_is_shortened_and_a_short_one_is_not(model):
    recipe = Recipe(model="mlp", optimizer="sgd", optimizer_args={"momentum": 0.0, "nesterov": False}, clip_norm=2.0)
    for length, expected in ((10.0, 2.0), (1.5, 1.5)):
        optimizer = build_optimizer(recipe, WarmupThenDecay(1.0, 10, 0, "constant"), model)
        before = [np.array(variable.numpy()) for variable in model.trainable_variables]
        # All 12 + 3 weights get the same share: the length of all together is what counts.
        gradients = [keras.ops.full(v.shape, length / 15**0.5) for v in model.trainable_variables]
        optimizer.apply(gradients, model.trainable_variables)
        moved = [old - variable.numpy() for old, variable in zip(before, model.trainable_variables, strict=True)]
        np.testing.assert_allclose(np.sqrt(sum((each**2).sum() for each in moved)), expected, rtol=1e-5)


def test_muon_refuses_it(model):
    recipe = Recipe(model="mlp", optimizer="muon", clip_norm=1.0)
    with pytest.raises(CifarlabError, match="clip_norm must be 0"):
        build_optimizer(recipe, WarmupThenDecay(0.1, 10, 0, "constant"), model)


def test_a_run_of_an_earlier_version_goes_on_with_the_rate_of_its_own_that_it_began_with(model):
    recipe = Recipe(model="mlp", optimizer="sgd", optimizer_args={"learning_rate": 0.5})
    optimizer = build_optimizer(recipe, WarmupThenDecay(1e-2, 10, 2, "linear"), model)
    assert float(optimizer.learning_rate.numpy()) == 0.5
