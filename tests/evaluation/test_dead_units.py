"""Dead units: counted in networks whose units are dead by construction."""

import keras
import numpy as np
import pytest

from cifarlab.evaluation.dead_units import measure_activity
from cifarlab.models import bottleneck_mlp, mlp
from cifarlab.utils import discovery

IMAGES = np.random.default_rng(0).integers(0, 256, (530, 4, 4, 3)).astype(np.uint8)


def with_dead_units(activation, biases):
    """Two hidden layers; the first layer's biases decide which of its units can answer."""
    keras.utils.set_random_seed(0)
    model = mlp.build((4, 4, 3), 5, widths=(len(biases), 6), activation=activation)
    second, zeros = model.get_layer("dense2").get_weights()
    model.get_layer("dense2").set_weights([np.abs(second), zeros])
    kernel, _ = model.get_layer("dense1").get_weights()
    model.get_layer("dense1").set_weights([0.1 * kernel, np.array(biases, np.float32)])
    return model


@pytest.mark.parametrize("activation", ["relu", "gelu", "silu"])
def test_units_far_below_zero_are_dead(activation):
    found = measure_activity(with_dead_units(activation, [-50, 0, 0, -50, 5]), IMAGES)
    first, second = found.layers
    assert (first.layer, first.units, first.dead) == (f"{activation}1", 5, 2)
    assert (second.units, second.dead) == (6, 0)
    assert found.images == 530


def test_a_unit_that_answers_to_one_image_is_alive_and_counted_as_rare():
    model = with_dead_units("relu", [0.0])
    kernel = np.zeros((48, 1), np.float32)
    kernel[0] = 1
    images = np.zeros((530, 4, 4, 3), np.uint8)
    model.get_layer("dense1").set_weights([kernel, np.zeros(1, np.float32)])  # pixel 0 from -1 to 1
    assert measure_activity(model, images).layers[0].dead == 1
    images[529, 0, 0, 0] = 255  # the last image of the last, smaller batch
    (first, _) = measure_activity(model, images).layers
    assert first.dead == 0
    assert first.active == pytest.approx(1 / 530)


def test_gelu_just_below_zero_is_not_dead():
    model = with_dead_units("gelu", [-0.5, 0.0])
    model.get_layer("dense1").set_weights([0 * model.get_layer("dense1").kernel, np.array([-0.5, 1], np.float32)])
    assert measure_activity(model, IMAGES).layers[0].dead == 0


def test_images_are_taken_evenly_from_all():
    images = np.zeros((100, 4, 4, 3), np.uint8)
    images[-1, 0, 0, 0] = 255
    model = with_dead_units("relu", [0.0])
    kernel = np.zeros((48, 1), np.float32)
    kernel[0] = 1
    model.get_layer("dense1").set_weights([kernel, np.zeros(1, np.float32)])
    found = measure_activity(model, images, most=10)
    assert found.images == 10
    assert (found.layers[0].dead, found.layers[0].active) == (0, 0.1)


def test_every_block_of_a_bottleneck_network_is_counted():
    found = measure_activity(bottleneck_mlp.build((4, 4, 3), 5, width=8, blocks=2, expansion=3), IMAGES)
    assert [(layer.layer, layer.units) for layer in found.layers] == [
        ("block1_activation", 24),
        ("block2_activation", 24),
    ]
    assert all(0 <= layer.active <= 1 for layer in found.layers)


@pytest.mark.parametrize("name", discovery.names("models"))
def test_only_dense_networks_are_counted(name):
    images = np.zeros((2, 8, 8, 3), np.uint8)
    model = discovery.load("models", name).build((8, 8, 3), 4)
    is_dense = not any(isinstance(layer, keras.layers.Conv2D) for layer in model.layers)
    assert (measure_activity(model, images) is not None) == is_dense


def test_a_network_without_hidden_units_has_none():
    inputs = keras.Input((4, 4, 3))
    logits = keras.layers.Dense(3, activation="relu")(keras.layers.Flatten()(inputs))
    assert measure_activity(keras.Model(inputs, logits), IMAGES) is None
