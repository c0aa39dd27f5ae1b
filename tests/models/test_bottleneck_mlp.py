import keras
import numpy as np
import pytest

from cifarlab.models import bottleneck_mlp


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
