"""The contract of every model that `discover` finds."""

import keras
import numpy as np
import pytest

from cifarlab.models import mlp
from cifarlab.search.parameters import literal, parse
from cifarlab.training.plan import default_space
from cifarlab.utils import discovery


@pytest.fixture(params=discovery.names("models"))
def build(request):
    return discovery.load("models", request.param).build


@pytest.mark.parametrize(("shape", "num_classes"), [((32, 32, 3), 10), ((28, 28, 1), 3)])
def test_raw_pixels_in_logits_out(build, shape, num_classes):
    model = build(shape, num_classes)
    pixels = np.random.default_rng(0).integers(0, 256, (4, *shape)).astype("float32")
    logits = keras.ops.convert_to_numpy(model(pixels, training=False))
    assert logits.shape == (4, num_classes)
    assert logits.dtype == np.float32
    assert np.abs(logits).max() < 100  # pixels were normalised inside


def test_saved_model_predicts_the_same(build, tmp_path):
    model = build((8, 8, 3), 4)
    pixels = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3)).astype("float32")
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    np.testing.assert_array_equal(model(pixels), again(pixels))


def test_mlp_is_made_of_dense_activation_and_dropout_alone():
    model = mlp.build((32, 32, 3), 10, widths=(20, 10), dropout=(0.5, 0.0), input_dropout=0.1)
    kinds = [type(layer).__name__ for layer in model.layers]
    assert kinds == [
        *("InputLayer", "Rescaling", "Flatten", "Dropout"),
        *("Dense", "Activation", "Dropout", "Dense", "Activation", "Dense"),
    ]
    assert model.count_params() == (3072 * 20 + 20) + (20 * 10 + 10) + (10 * 10 + 10)


def test_mlp_wants_one_rate_or_one_a_layer():
    with pytest.raises(ValueError, match="2 layers"):
        mlp.build((8, 8, 3), 10, widths=(4, 4), dropout=(0.1,))


@pytest.mark.parametrize("widths", ["__import__('os')", 512, (512, 0), (512, 1.5), (True,)])
def test_mlp_says_what_its_widths_must_be(widths):
    with pytest.raises(ValueError, match="positive whole numbers, such as") as caught:
        mlp.build((8, 8, 3), 10, widths=widths)
    assert str(caught.value).endswith(f"Received: {widths!r}")


@pytest.mark.parametrize("name", discovery.names("models"))
def test_every_end_of_the_default_search_space_builds(name):
    """A search with a model's own space must not spend its trials on networks that cannot be built."""
    for key, text in default_space(name).items():
        for end in parse(key, text).ends():
            model = discovery.load("models", name).build((32, 32, 3), 10, **{key: literal(end)})
            assert model.output_shape == (None, 10)
