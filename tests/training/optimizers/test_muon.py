import keras
import numpy as np
import pytest

from cifarlab.recipes import Recipe
from cifarlab.training.optimizers.build import build_optimizer
from cifarlab.training.optimizers.muon import Muon, orthogonalise
from cifarlab.training.optimizers.schedules import WarmupThenDecay
from cifarlab.utils.errors import CifarlabError


@pytest.fixture
def model():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((6, 6, 2))
    x = keras.layers.Conv2D(4, 3)(inputs)
    x = keras.layers.GlobalMaxPooling2D()(x)
    return keras.Model(inputs, keras.layers.Dense(3, use_bias=False, name="logits")(x))


@pytest.mark.parametrize("shape", [(40, 6), (6, 40), (8, 8)])
def test_orthogonalise_keeps_directions_and_evens_out_sizes(shape):
    matrix = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    left, _, right = np.linalg.svd(matrix, full_matrices=False)
    result = keras.ops.convert_to_numpy(orthogonalise(matrix, 5, "float32"))
    inside = left.T @ result @ right.T
    new = np.diag(inside)
    np.testing.assert_allclose(inside, np.diag(new), atol=1e-4)
    assert new.min() > 0.3
    assert new.max() < 1.3


def test_orthogonalise_agrees_with_kerass_muon():
    matrix = np.random.default_rng(1).normal(size=(12, 5)).astype(np.float32)
    expected = keras.optimizers.Muon().zeropower_via_newtonschulz5(keras.ops.convert_to_tensor(matrix), 3)
    np.testing.assert_allclose(orthogonalise(matrix, 3, "float32"), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("shape", "parts"), [((6, 40), (3, 3)), ((40, 6), (3, 3)), ((7, 20), (3, 3, 1)), ((4, 9), (4,))]
)
def test_blocks_are_orthogonalised_each_by_itself(shape, parts):
    matrix = np.random.default_rng(3).normal(size=shape).astype(np.float32)
    result = np.asarray(orthogonalise(matrix, 3, "float32", 4 if parts == (4,) else 3))
    axis = int(shape[0] > shape[1])  # the smaller side
    for block, found in zip(*(np.split(m, np.cumsum(parts)[:-1], axis) for m in (matrix, result)), strict=True):
        np.testing.assert_allclose(found, orthogonalise(block, 3, "float32"), atol=1e-5)


def test_a_kernel_moves_by_the_direction_of_its_blocks(model):
    optimizer = Muon(0.1, momentum=0.0, block_rows=2)
    kernel = model.trainable_variables[0]  # (3, 3, 2, 4): (18, 4)
    before = kernel.numpy()
    gradient = np.random.default_rng(4).normal(size=kernel.shape).astype(np.float32)
    optimizer.apply([keras.ops.convert_to_tensor(gradient)], [kernel])
    direction = np.asarray(orthogonalise(gradient.reshape(18, 4), 3, "float32", 2)).reshape(kernel.shape)
    np.testing.assert_allclose(kernel.numpy(), before * 2 / np.linalg.norm(before) - 0.1 * direction, atol=1e-5)


def test_adam_moves_vectors_and_the_last_layer_as_kerass_does(model):
    muon = Muon(WarmupThenDecay(0.2, 4, 0, "linear"), adam_learning_rate=0.01)
    adam = keras.optimizers.Adam(WarmupThenDecay(0.01, 4, 0, "linear"), beta_2=0.99, epsilon=1e-8)
    _, *others = model.trainable_variables
    copies = [keras.Variable(variable.numpy()) for variable in others]
    muon.build(model.trainable_variables)
    adam.build(copies)
    generator = np.random.default_rng(5)
    for _ in range(3):
        gradients = [generator.normal(size=variable.shape).astype(np.float32) for variable in model.trainable_variables]
        muon.apply([keras.ops.convert_to_tensor(each) for each in gradients], model.trainable_variables)
        adam.apply([keras.ops.convert_to_tensor(each) for each in gradients[1:]], copies)
    for variable, expected in zip(others, copies, strict=True):
        np.testing.assert_allclose(variable.numpy(), expected.numpy(), rtol=1e-4)


def test_two_steps_by_hand(model):
    optimizer = Muon(
        0.1,
        momentum=0.6,
        head_learning_rate=0.25,
        bias_learning_rate=1.0,
        sgd_momentum=0.85,
        shrink=0.005,
        batch_size=2,
    )
    optimizer.build(model.trainable_variables)
    generator = np.random.default_rng(2)
    kernel, bias, head = (np.array(variable.numpy(), np.float64) for variable in model.trainable_variables)
    buffers = [np.zeros_like(value) for value in (kernel, bias, head)]
    for _ in range(2):
        gradients = [generator.normal(size=value.shape) for value in (kernel, bias, head)]
        optimizer.apply([keras.ops.convert_to_tensor(g, "float32") for g in gradients], model.trainable_variables)
        buffers[0] = 0.6 * buffers[0] + gradients[0]
        flat = (gradients[0] + 0.6 * buffers[0]).reshape(-1, 4)
        update = np.asarray(orthogonalise(flat.astype(np.float32), 3, "float32")).reshape(kernel.shape)
        kernel = kernel * 2 / np.linalg.norm(kernel) - 0.1 * update
        for number, (value, rate) in enumerate([(bias, 2.0), (head, 0.5)], start=1):
            gradient = gradients[number] + 0.01 / rate * value
            buffers[number] = 0.85 * buffers[number] + gradient
            value -= rate * (gradient + 0.85 * buffers[number])
    for variable, expected in zip(model.trainable_variables, (kernel, bias, head), strict=True):
        np.testing.assert_allclose(variable.numpy(), expected, rtol=1e-4, atol=1e-5)


def test_all_rates_follow_the_schedule(model):
    recipe = Recipe(model="convnet", optimizer="muon", learning_rate=0.2, batch_size=2000)
    optimizer = build_optimizer(recipe, WarmupThenDecay(0.2, 2, 0, "linear"), model)
    zeros = [keras.ops.zeros(variable.shape) for variable in model.trainable_variables]
    head = model.trainable_variables[2]
    before = head.numpy()
    optimizer.apply(zeros, model.trainable_variables)
    np.testing.assert_allclose(head.numpy(), before * (1 - 0.004 * 1.85), rtol=1e-5)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"optimizer": "muon", "weight_decay": 0.1}, "weight_decay must be 0"),
        ({"optimizer": "muon", "optimizer_args": {"momentun": 0.6}}, "momentun"),
        (
            {"optimizer": "muon", "optimizer_args": {"adam_learning_rate": 1e-3, "shrink": 0.0}},
            "in the place of SGD: remove shrink",
        ),
        ({"optimizer": "muon", "optimizer_args": {"block_rows": -1}}, "block_rows must be a finite number, at least 0"),
        ({"optimizer": "adam", "optimizer_args": {"nesterov": True}}, "optimizer adam"),
    ],
)
def test_wrong_arguments_are_one_line(model, settings, expected):
    with pytest.raises(CifarlabError, match=expected):
        build_optimizer(Recipe(model="convnet", **settings), WarmupThenDecay(0.1, 2, 0, "linear"), model)
