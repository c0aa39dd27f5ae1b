"""What models' settings must be: the same is refused without Keras as by Keras."""

import inspect

import keras
import pytest

from cifarlab.models import KINDS, check_argument, check_arguments
from cifarlab.models._arguments import ACTIVATIONS
from cifarlab.utils import discovery

MODELS = [discovery.load("models", name) for name in discovery.names("models")]
REFUSED = {
    "count": [0, -1, 1.5, True, "8", (8,)],
    "count or none": [-1, 0.5, None],
    "counts": [(8, 0), (8, 1.5), (True,), 8, "88", None],
    "counts, one at least": [(), (0,)],
    "rate": [-0.1, 1.1, float("nan"), "0.5", (0.5,), True],
    "rate or rates": [1.5, (0.5, 1.5), "0.5", ("a",)],
    "scale": [0, 1.5, float("nan"), "1"],
    "distances": [(0,), 3, ("a",), (float("nan"),)],
    "activation": ["rely", None, 3],
}


@pytest.mark.parametrize("module", MODELS)
def test_every_setting_of_every_model_has_a_kind_that_its_default_is_of(module):
    settings = list(inspect.signature(module.build).parameters.values())[2:]
    assert [setting.name for setting in settings] == list(module.ARGUMENTS)
    for setting in settings:
        check_argument(setting.name, module.ARGUMENTS[setting.name], setting.default)


@pytest.mark.parametrize(("kind", "values"), REFUSED.items())
def test_what_is_of_another_kind_is_refused_with_what_would_be_right(kind, values):
    for value in values:
        with pytest.raises(ValueError, match=r"^setting must be .*\. Received: ") as caught:
            check_argument("setting", kind, value)
        assert "\n" not in str(caught.value)
    assert REFUSED.keys() == KINDS.keys()


@pytest.mark.parametrize("value", [2.0, True, "2", 4])
def test_a_choice_is_one_of_its_values_and_of_their_type(value):
    check_argument("depth", (2, 3), 2)
    with pytest.raises(ValueError, match="depth must be 2 or 3"):
        check_argument("depth", (2, 3), value)


def test_activations_are_those_of_keras_that_keep_the_shape():
    kept = []
    for name, function in vars(keras.activations).items():
        if callable(function) and name not in ("get", "serialize", "deserialize"):
            try:
                answer = function(keras.ops.ones((2, 4)))
            except TypeError:  # it needs more arguments
                continue
            kept += [name] if answer.shape == (2, 4) else []
    assert set(ACTIVATIONS) == set(kept)
    for name in ACTIVATIONS:
        keras.layers.Activation(name)


def test_settings_that_a_search_changes_together_need_not_fit_each_other():
    values = {"widths": (8,), "dropout": (0.1, 0.2)}
    kinds = discovery.load("models", "mlp").ARGUMENTS
    check_arguments(kinds, values, together=False)
    with pytest.raises(ValueError, match="dropout needs one rate"):
        check_arguments(kinds, values)
    with pytest.raises(ValueError, match="widths must be"):
        check_arguments(kinds, {**values, "widths": (0,)}, together=False)


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        ("convnet", {"whitening_pixels": 9}, "whitening_pixels must be at most 8, the size of the images"),
        ("convnet", {"widths": (0,)}, "widths must be positive whole numbers"),
        ("resnet18", {"widths": ()}, "widths must be positive whole numbers, one at least"),
        ("bottleneck_mlp", {"width": 0}, "width must be a whole number of at least 1"),
        ("bottleneck_mlp", {"dropout": (0.1,)}, "dropout must be a number between 0 and 1"),
        ("mlp", {"activation": "rely"}, "activation must be one of celu, elu"),
    ],
)
def test_build_refuses_them_in_one_line(name, settings, said):
    with pytest.raises(ValueError, match=said) as caught:
        discovery.load("models", name).build((8, 8, 3), 10, **settings)
    assert "\n" not in str(caught.value)
