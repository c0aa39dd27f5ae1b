import keras
import numpy as np
import pytest

from cifarlab.models import bottleneck_mlp, unit_positions


@pytest.mark.parametrize(("norm", "kind"), [("layer", "LayerNormalization"), ("batch", "BatchNormalization")])
def test_every_block_and_the_last_layer_are_normalised(norm, kind):
    model = bottleneck_mlp.build((4, 4, 3), 5, width=8, blocks=2, expansion=3, norm=norm)
    assert [layer.name for layer in model.layers if type(layer).__name__ == kind] == [
        "block1_norm",
        "block2_norm",
        "norm",
    ]


def test_parameters_counted_by_hand():
    model = bottleneck_mlp.build((4, 4, 3), 5, width=8, blocks=2, expansion=3)
    block = 2 * 8 + (8 * 24 + 24) + (24 * 8 + 8)
    assert model.count_params() == (48 * 8 + 8) + 2 * block + 2 * 8 + (8 * 5 + 5)


def test_a_block_left_out_leaves_the_image_as_it_was():
    model = bottleneck_mlp.build((4, 4, 3), 5, width=8, blocks=1, expansion=3, drop_path=0.5)
    streams = keras.Model(model.input, [model.get_layer("pixels_dense").output, model.get_layer("block1_add").output])
    pixels = np.random.default_rng(0).uniform(0, 255, (200, 4, 4, 3)).astype(np.float32)
    before, after = (keras.ops.convert_to_numpy(each) for each in streams(pixels, training=True))
    assert (before == after).all(axis=1).mean() == pytest.approx(0.5, abs=0.15)


def test_an_unknown_norm_is_refused():
    with pytest.raises(ValueError, match="layer or batch"):
        bottleneck_mlp.build((4, 4, 3), 5, norm="group")


def distances(rows_and_columns, positions):
    return np.linalg.norm(rows_and_columns[:, None] - positions[None], axis=2)


def test_units_begin_with_weights_around_their_positions_alone():
    model = bottleneck_mlp.build((16, 16, 3), 5, width=40, blocks=1, expansion=2, sigma_pixels=(1.5, 3.0))
    kernel = np.abs(np.array(model.get_layer("pixels_dense").kernel)).reshape(256, 3, 40)
    positions = unit_positions(40, 16, 16)
    grid = np.stack(np.divmod(np.arange(256), 16), axis=1) + 0.5
    assert kernel.max(axis=1)[distances(grid, positions) > 8].max() < 1e-5 * kernel.max()
    inner = np.abs(np.array(model.get_layer("block1_narrow").kernel))  # from 80 units to 40, both with positions
    far = distances(unit_positions(80, 16, 16), positions) > 14
    assert far.any()
    assert inner[far].max() < 1e-3 * inner.max()


def test_beginning_locally_keeps_the_size_of_every_units_weights():
    keras.utils.set_random_seed(0)
    plain = bottleneck_mlp.build((8, 8, 3), 5, width=16, blocks=1, expansion=2)
    keras.utils.set_random_seed(0)
    local = bottleneck_mlp.build((8, 8, 3), 5, width=16, blocks=1, expansion=2, sigma_pixels=(2.0,))
    for name in ("pixels_dense", "block1_wide", "block1_narrow"):
        plain_norms, local_norms = [
            np.linalg.norm(np.array(model.get_layer(name).kernel), axis=0) for model in (plain, local)
        ]
        np.testing.assert_allclose(plain_norms, local_norms, rtol=1e-5)
    assert not np.array(local.get_layer("logits").kernel).any()


@pytest.mark.parametrize("sigma", [(3, 0), (3, "far"), 3, "far"])
def test_a_sigma_that_is_none_is_refused(sigma):
    with pytest.raises(ValueError, match="list of numbers above 0"):
        bottleneck_mlp.build((4, 4, 3), 5, sigma_pixels=sigma)


def test_far_weights_learn_slowly_and_near_ones_as_ever():
    model = bottleneck_mlp.build(
        (8, 8, 3), 5, width=16, blocks=1, expansion=2, sigma_pixels=(1.0,), far_learning_rate_scale=0.1
    )
    factors = model.get_layer("pixels_dense").kernel.learning_rate_scales.reshape(64, 3, 16)
    grid = np.stack(np.divmod(np.arange(64), 8), axis=1) + 0.5
    apart = distances(grid, unit_positions(16, 8, 8))
    np.testing.assert_allclose(factors[:, 0], 0.1 + 0.9 * np.exp(-(apart**2) / 2), rtol=1e-5)
    assert not hasattr(model.get_layer("logits").kernel, "learning_rate_scales")


@pytest.mark.parametrize("rate", [0, 1.5, "slow"])
def test_a_far_rate_beyond_its_range_is_refused(rate):
    with pytest.raises(ValueError, match="far_learning_rate_scale must be a number above 0 and at most 1"):
        bottleneck_mlp.build((4, 4, 3), 5, sigma_pixels=(3,), far_learning_rate_scale=rate)


def test_a_far_rate_without_sigmas_is_refused():
    with pytest.raises(ValueError, match="far_learning_rate_scale needs sigma_pixels"):
        bottleneck_mlp.build((4, 4, 3), 5, far_learning_rate_scale=0.5)
