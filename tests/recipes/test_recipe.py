"""Recipes: checked when made, varied by settings, the same after a journey through JSON."""

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifarlab.recipes import (
    FLIPS,
    OPTIMIZERS,
    PRECISIONS,
    SCHEDULES,
    SELECT_BY,
    Recipe,
    from_dict,
    load_recipe,
    override,
    to_dict,
)
from cifarlab.utils import discovery, files
from cifarlab.utils.errors import CifarlabError

BASE = Recipe(model="mlp", model_args={"widths": (512, 256), "dropout": 0.2})

plain_values = st.recursive(
    st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda values: st.lists(values, max_size=3).map(tuple),
    max_leaves=5,
)
recipes = st.builds(
    Recipe,
    model=st.text(),
    model_args=st.dictionaries(st.text(), plain_values, max_size=3),
    data=st.text(),
    validation_fraction=st.floats(0.01, 0.99),
    epochs=st.integers(1, 10_000),
    batch_size=st.integers(1, 10_000),
    optimizer=st.sampled_from(OPTIMIZERS),
    learning_rate=st.floats(1e-9, 1e3),
    optimizer_args=st.dictionaries(st.text(), plain_values, max_size=3),
    weight_decay=st.floats(0, 10),
    lasso=st.floats(0, 1),
    lasso_beta=st.floats(0, 1e3),
    clip_norm=st.floats(0, 1e3),
    schedule=st.sampled_from(SCHEDULES),
    warmup_epochs=st.floats(0, 100),
    label_smoothing=st.floats(0, 0.99),
    class_weight=st.sampled_from(("none", "balanced"))
    | st.dictionaries(st.text(), st.floats(1e-3, 1e3), min_size=1, max_size=3),
    ema=st.floats(0, 0.9999),
    select_by=st.sampled_from(SELECT_BY),
    patience=st.integers(0, 100),
    flip=st.sampled_from(FLIPS),
    translate_pixels=st.integers(0, 16),
    rotate_degrees=st.floats(0, 180),
    zoom_factor=st.floats(0, 1),
    brightness_factor=st.floats(0, 1),
    mixup_alpha=st.floats(0, 100),
    cutout_pixels=st.integers(0, 16),
    cutmix_alpha=st.floats(0, 100),
    contrast_factor=st.floats(0, 1),
    image_pixels=st.lists(st.integers(1, 64), max_size=3).map(tuple),
    precision=st.sampled_from(PRECISIONS),
    seed=st.integers(0, 2**31 - 1),
    start_from=st.text(),
    start_checksum=st.text(),
    from_rate=st.floats(0, 1),
    head_first=st.booleans(),
)


@given(recipes)
def test_a_journey_through_json_changes_nothing(recipe):
    assert from_dict(json.loads(json.dumps(to_dict(recipe)))) == recipe


@given(recipes)
def test_what_is_printed_can_be_set_again(recipe):
    fields = {key: value for key, value in to_dict(recipe).items() if type(value) in (int, float)}
    assert override(recipe, [f"{key}={value!r}" for key, value in fields.items()]) == recipe


@pytest.mark.parametrize(
    ("setting", "field", "value"),
    [
        ("epochs=150", "epochs", 150),
        (" epochs = 150 ", "epochs", 150),
        ("learning_rate=1", "learning_rate", 1.0),
        ("flip=random", "flip", "random"),
        ("data=folder:a=b", "data", "folder:a=b"),
        ("class_weight=balanced", "class_weight", "balanced"),
        ("class_weight={'cat': 2.0, 3: 1}", "class_weight", {"cat": 2.0, "3": 1}),
        ("ema=0.999", "ema", 0.999),
        ("select_by=balanced_accuracy", "select_by", "balanced_accuracy"),
        ("patience=10", "patience", 10),
        ("image_pixels=(24, 28)", "image_pixels", (24, 28)),
        ("optimizer.beta_2=0.99", "optimizer_args", {"beta_2": 0.99}),
        ("model.widths=(2048,)", "model_args", {"widths": (2048,), "dropout": 0.2}),
        ("model.activation=gelu", "model_args", {"widths": (512, 256), "dropout": 0.2, "activation": "gelu"}),
    ],
)
def test_a_setting_changes_its_field_alone(setting, field, value):
    assert override(BASE, [setting]) == dataclasses.replace(BASE, **{field: value})


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("epochs", "key=value"),
        ("=3", "key=value"),
        ("epoch=3", "did you mean epochs"),
        ("lerning_rate=1", "did you mean learning_rate"),
        ("model_args={}", "unknown setting"),
        ("epochs=1.5", "whole number"),
        ("epochs=True", "whole number"),
        ("epochs=0", "at least 1"),
        ("batch_size=-1", "at least 1"),
        ("learning_rate=nan", "finite"),
        ("learning_rate=inf", "finite"),
        ("learning_rate=0", "above 0"),
        ("learning_rate=fast", "a number"),
        ("flip=1", "one of none, random"),
        ("optimizer_args={}", "unknown setting"),
        ("image_pixels=24", "brackets"),
        ("fold=-1", "at least 0"),
        ("fold=10", "the last one is 9"),
        ("image_pixels=(24, 0)", "at least 1"),
        ("schedule=step", "constant, cosine, linear"),
        ("validation_fraction=1", "less than 1"),
        ("seed=2147483648", "2147483647"),
        ("class_weight=even", "none, balanced, or finite numbers above 0"),
        ("class_weight=2", "a word, or a dictionary"),
        ("class_weight={}", "above 0"),
        ("class_weight={'cat': 0}", "above 0"),
        ("class_weight={'cat': True}", "above 0"),
        ("class_weight={'cat': 1e999}", "finite"),
        ("ema=1", "less than 1"),
        ("ema=-0.1", "at least 0"),
        ("select_by=f1", "one of accuracy, loss, macro_f1, balanced_accuracy"),
        ("patience=-1", "at least 0"),
        ("patience=2.5", "whole number"),
        ("epochs={[]: 1}", "whole number"),
    ],
)
def test_a_wrong_setting_is_one_line(setting, expected):
    with pytest.raises(CifarlabError, match=expected) as raised:
        override(BASE, [setting])
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "settings", [["optimizer=sgd", "optimizer.momentum=0.85"], ["optimizer.momentum=0.85", "optimizer=sgd"]]
)
def test_another_optimizer_begins_with_its_own_defaults(settings):
    changed = override(dataclasses.replace(BASE, optimizer_args={"beta_2": 0.99}), settings)
    assert (changed.optimizer, changed.optimizer_args) == ("sgd", {"momentum": 0.85})
    assert changed.model_args == BASE.model_args


def test_the_same_optimizer_keeps_its_arguments():
    before = dataclasses.replace(BASE, optimizer_args={"beta_2": 0.99})
    assert override(before, [f"optimizer={BASE.optimizer}"]) == before


def test_a_strange_value_for_the_model_is_left_to_the_model():
    assert override(BASE, ["model.widths={[]: 1}"]).model_args["widths"] == "{[]: 1}"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"model": "mlp", "epoch": 1}, "did you mean epochs"),
        ({"epochs": 1}, "needs a model"),
        ({"model": "mlp", "model_args": [1]}, "dictionary"),
        ({"model": "mlp", "optimizer_args": 3}, "dictionary"),
        ({"model": "mlp", "epochs": "1"}, "whole number"),
    ],
)
def test_a_wrong_dictionary_is_one_line(values, expected):
    with pytest.raises(CifarlabError, match=expected):
        from_dict(values)


def test_a_recipe_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        BASE.epochs = 3  # type: ignore[misc]


def test_the_arguments_given_are_not_kept():
    arguments = {"widths": (1,)}
    recipe = Recipe(model="mlp", model_args=arguments)
    arguments["widths"] = (2,)
    assert recipe.model_args == {"widths": (1,)}


@pytest.mark.parametrize("name", discovery.names("recipes"))
def test_every_recipe_loads_and_names_a_model_there_is(name):
    assert load_recipe(name).model in discovery.names("models")


def test_a_users_own_recipe_is_loaded_by_its_path(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("from cifarlab.recipes import Recipe\nRECIPE = Recipe(model='mlp', epochs=7)\n")
    assert load_recipe(str(path)).epochs == 7


def test_a_file_without_a_recipe_is_one_line(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("RECIPE = 3\n")
    with pytest.raises(CifarlabError, match="defines no RECIPE"):
        load_recipe(str(path))


def test_a_runs_recorded_recipe_can_be_trained_again(tmp_path):
    path = tmp_path / "recipe.json"
    files.write_json(path, to_dict(BASE))
    assert load_recipe(str(path)) == BASE
    path.write_text("[1]")
    with pytest.raises(CifarlabError, match="a recipe is a dictionary"):
        load_recipe(str(path))


def test_shuffled_pixels_are_one_word_and_want_one_size():
    smoke = load_recipe("smoke")
    assert override(smoke, ["shuffle_pixels=True"]).shuffle_pixels is True
    with pytest.raises(CifarlabError, match=r"shuffle_pixels must be True or False\. Received: 'yes'"):
        override(smoke, ["shuffle_pixels=yes"])
    with pytest.raises(CifarlabError, match="add --set image_pixels"):
        override(smoke, ["shuffle_pixels=True", "image_pixels=(8, 8)"])


def test_arguments_by_their_old_names_are_read_and_written_by_their_new_ones():
    old = {"model": "bottleneck_mlp", "model_args": {"width": 8, "reach_pixels": [3, 4], "far_rate": 0.03}}
    arguments = {"width": 8, "sigma_pixels": (3, 4), "far_learning_rate_scale": 0.03}
    recipe = from_dict(old)
    assert to_dict(recipe)["model_args"] == arguments
    assert recipe == Recipe(model="bottleneck_mlp", model_args=arguments)
    assert override(recipe, ["model.far_rate=0.5"]).model_args == {**arguments, "far_learning_rate_scale": 0.5}
    # In a user's recipe in Python that varies a built-in one: what was written last counts.
    varied = dataclasses.replace(recipe, model_args={**recipe.model_args, "reach_pixels": (9,)})
    assert varied.model_args["sigma_pixels"] == (9,)
    both = override(recipe, ["model.reach_pixels=(1,)", "model.sigma_pixels=(2,)"])
    assert both.model_args["sigma_pixels"] == (2,)


def test_another_models_argument_keeps_its_name():
    assert override(BASE, ["model.reach_pixels=3"]).model_args["reach_pixels"] == 3
    assert Recipe(model="own/bottleneck_mlp.py", model_args={"far_rate": 0.1}).model_args == {"far_rate": 0.1}


def test_patience_needs_images_to_watch():
    with pytest.raises(CifarlabError, match="patience watches the validation images"):
        override(BASE, ["patience=3", "validation_fraction=0"])
