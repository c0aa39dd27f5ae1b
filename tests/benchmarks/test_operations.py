"""Counts of multiply-adds, against sums made by hand."""

import keras
import pytest

from cifarlab.models import convnet


def count_operations(*arguments):
    from _operations import count_operations

    return count_operations(*arguments)


def test_a_dense_network():
    inputs = keras.Input((2, 2, 3))
    x = keras.layers.Dense(5)(keras.layers.Flatten()(inputs))
    counted = count_operations(keras.Model(inputs, keras.layers.Dense(4)(x)))
    first, second = 12 * 5, 5 * 4
    assert counted.forward == first + second
    assert counted.backward == first + 2 * second  # nothing asks for the pixels' gradient
    assert counted.training_flops == 2 * (2 * first + 3 * second)
    assert counted.inference_flops == 2 * (first + second)
    assert counted.not_counted == ()


def test_a_convolutional_network_with_a_frozen_first_layer():
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(6, 2, use_bias=False, trainable=False)(inputs)  # 7 x 7 x 6
    x = keras.layers.MaxPooling2D(2)(x)  # 3 x 3 x 6
    x = keras.layers.Conv2D(4, 3, padding="same", use_bias=False)(x)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.Conv2D(4, 3, strides=2, use_bias=False)(x)  # 1 x 1 x 4
    model = keras.Model(inputs, keras.layers.Dense(2, use_bias=False)(keras.layers.Flatten()(x)))
    frozen, first, second, head = 7 * 7 * 6 * 12, 9 * 4 * 54, 4 * 36, 4 * 2
    counted = count_operations(model)
    assert counted.forward == frozen + first + second + head
    assert counted.backward == first + 2 * (second + head)  # neither gradient of the frozen layer, one of the first


def test_a_trained_bias_asks_for_the_gradient_of_all_that_follows():
    inputs = keras.Input((4, 4, 3))
    first = keras.layers.Conv2D(2, 1)
    x = first(inputs)
    model = keras.Model(inputs, keras.layers.Conv2D(2, 1, use_bias=False)(x))
    first.kernel.trainable = False
    counted = count_operations(model)
    assert counted.forward == 16 * 6 + 16 * 4
    assert counted.backward == 2 * 16 * 4


def test_nested_models_shared_layers_and_other_sizes():
    inputs = keras.Input((None, None, 2))
    shared = keras.layers.Conv2D(2, 1, use_bias=False)
    inner = keras.Model(inputs, shared(shared(inputs)))
    outer = keras.Sequential([keras.Input((None, None, 2)), inner])
    assert count_operations(outer, (3, 5, 2)).forward == 2 * 15 * 4
    assert count_operations(outer, (6, 5, 2)).forward == 2 * 30 * 4
    assert "call" not in vars(shared)  # the layers are left as they were


def test_what_is_not_counted_is_named():
    inputs = keras.Input((4, 4, 3))
    x = keras.layers.DepthwiseConv2D(2, name="depthwise")(inputs)
    assert count_operations(keras.Model(inputs, x)).not_counted == ("depthwise",)


def test_airbench94_costs_what_its_authors_say():
    """KellerJordan's network: 8 epochs of 50,000 images are 0.29 PFLOP by their own count."""
    inputs = keras.Input((32, 32, 3))
    x = keras.layers.Conv2D(24, 2)(inputs)
    for width in (64, 256, 256):
        x = keras.layers.Conv2D(width, 3, padding="same", use_bias=False)(x)
        x = keras.layers.MaxPooling2D(2)(x)
        x = keras.layers.Conv2D(width, 3, padding="same", use_bias=False)(x)
    x = keras.layers.Flatten()(keras.layers.MaxPooling2D(3)(x))
    counted = count_operations(keras.Model(inputs, keras.layers.Dense(10, use_bias=False)(x)))
    assert counted.training_flops * 8 * 50_000 / 1e15 == pytest.approx(0.29, abs=0.01)


def test_smaller_images_cost_less_in_the_same_layers():
    model = convnet.build((32, 32, 3), 10)
    whole, smaller = count_operations(model), count_operations(model, (24, 24, 3))
    assert whole.training_flops == 681_207_360
    assert smaller.training_flops == 354_490_944
    places = {32: (31, 15, 15, 7, 7, 3), 24: (23, 11, 11, 5, 5, 2)}
    channels = ((24, 64), (64, 64), (64, 256), (256, 256), (256, 256), (256, 256))
    for height, counted in ((32, whole), (24, smaller)):
        groups = sum(9 * a * b * side**2 for (a, b), side in zip(channels, places[height], strict=True))
        assert counted.forward == groups + 12 * 24 * places[height][0] ** 2 + 2560


def test_what_muon_adds_to_a_step():
    from _operations import count_orthogonalisation

    inputs = keras.Input((4, 4, 2))
    x = keras.layers.Conv2D(6, 3)(inputs)  # a kernel (18, 6)
    x = keras.layers.Dense(10, name="logits")(keras.layers.Dense(5)(keras.layers.Flatten()(x)))  # (24, 5)
    model = keras.Model(inputs, x)
    whole = 2 * (2 * 6 * 6 * 18 + 6**3) + 2 * (2 * 5 * 5 * 24 + 5**3)
    assert count_orthogonalisation(model, steps=3) == 3 * whole
    in_blocks = 2 * 2 * (2 * 3 * 3 * 18 + 3**3) + 2 * 2 * (
        2 * 3 * 3 * 24 + 3**3
    )  # of 3 rows; 5 are 3, and 2 with zeros
    assert count_orthogonalisation(model, steps=2, block_rows=3) == 2 * in_blocks
