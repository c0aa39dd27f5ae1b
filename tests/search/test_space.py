import optuna
import pytest

from cifarlab.recipes import Recipe, load_recipe
from cifarlab.search.parameters import Range
from cifarlab.search.planning import prepare
from cifarlab.search.rules import Rules
from cifarlab.search.space import Space, choose_space, make_space, own_space
from cifarlab.training.plan import default_space
from cifarlab.utils import discovery, own_code
from cifarlab.utils.errors import CifarlabError

MLP = Recipe(model="mlp", model_args={"widths": (32,), "dropout": 0.1}, data="digits", learning_rate=1e-3)


def test_suggestions_stay_inside_and_are_settings_of_the_recipe():
    space = make_space(
        MLP, ["learning_rate=1e-4..1e-2:log", "translate_pixels=0..4"], ["optimizer=adam,sgd"], only=True
    )
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    drawn = [space.suggest(study.ask()) for _ in range(100)]
    assert {tuple(each) for each in drawn} == {("learning_rate", "translate_pixels", "optimizer")}
    assert all(1e-4 <= float(each["learning_rate"]) <= 1e-2 for each in drawn)
    assert {each["translate_pixels"] for each in drawn} == set("01234")
    assert {each["optimizer"] for each in drawn} == {"adam", "sgd"}
    below = sum(float(each["learning_rate"]) < 1e-3 for each in drawn)
    assert 30 < below < 70  # half of the logarithmic range


def test_default_space_is_varied_by_hand():
    default = make_space(MLP)
    assert {"learning_rate", "weight_decay", "model.widths", "model.dropout"} <= set(default.parameters)
    assert default.parameters["learning_rate"] == Range(1e-4, 1e-2, log=True)
    assert "model.dropout" not in make_space(MLP, fixed=["model.dropout"]).parameters
    replaced = make_space(MLP, ["model.dropout=0.1..0.2"])
    assert replaced.parameters["model.dropout"] == Range(0.1, 0.2)
    assert set(replaced.parameters) == set(default.parameters)
    assert set(make_space(MLP, ["model.dropout=0.1..0.2"], only=True).parameters) == {"model.dropout"}


@pytest.mark.parametrize("model", discovery.names("models"))
def test_every_model_has_a_default_space_that_its_recipe_takes(model):
    assert default_space(model), "write SEARCH_SPACE beside build"
    assert {f"model.{name}" for name in default_space(model)} < set(make_space(Recipe(model=model)).parameters)


@pytest.mark.parametrize(
    ("ranges", "choices", "fixed", "words"),
    [
        (["lerning_rate=1..2"], [], [], "did you mean learning_rate"),
        (["model.widht=1..2"], [], [], "did you mean model.widths"),
        (["learning_rate=-1.0..1.0"], [], [], "finite number above 0"),
        ([], ["optimizer=adam,adm"], [], "one of adam"),
        (["learning_rate"], [], [], "--range takes key=values"),
        ([], ["learning_rate=1..2"], [], "give --range"),
        (["optimizer=adam,sgd"], [], [], "give --choice"),
        (["learning_rate=1e-4..1e-2", "learning_rate=1e-3..1e-2"], [], [], "given twice"),
        (["learning_rate=1e-4..1e-2"], [], ["learning_rate"], "to be varied and fixed"),
        (["epochs=1..9"], [], [], "--epochs"),
        (["seed=1..9"], [], [], "--seeds-per-trial"),
        ([], ["data=digits,cifar10"], [], "one data set"),
    ],
)
def test_a_wrong_space_is_refused_in_one_line(ranges, choices, fixed, words):
    with pytest.raises(CifarlabError, match=words):
        make_space(MLP, ranges, choices, fixed)


def test_nothing_left_to_vary():
    with pytest.raises(CifarlabError, match="nothing is left"):
        make_space(MLP, only=True)


def test_own_settings_as_parameters():
    space = make_space(MLP, ["learning_rate=1e-4..1e-2:log"], ["model.widths=(32,);(64, 64)"], only=True)
    assert space.parameters_of(MLP) == {"learning_rate": 1e-3, "model.widths": "(32,)"}
    outside = make_space(MLP, ["learning_rate=1e-2..1e-1"], only=True)
    assert outside.parameters_of(MLP) is None


def test_grid_is_every_combination():
    space = make_space(MLP, [], ["optimizer=adam,sgd", "schedule=cosine,linear,constant"], only=True)
    combinations = space.combinations()
    assert len(combinations) == 6
    assert len({tuple(each.items()) for each in combinations}) == 6
    with pytest.raises(CifarlabError, match="a grid takes choices"):
        make_space(MLP, ["learning_rate=1e-4..1e-2"], only=True).combinations()


def test_own_function(tmp_path):
    file = tmp_path / "space.py"
    file.write_text(
        "def space(trial):\n"
        "    depth = trial.suggest_int('depth', 1, 3)\n"
        "    return {'model.widths': (64,) * depth, 'optimizer': 'adam'}\n"
    )
    space = choose_space(MLP, file=str(file))
    settings = space.suggest(optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0)).ask())
    assert settings["model.widths"] in ("(64,)", "(64, 64)", "(64, 64, 64)")
    assert settings["optimizer"] == "adam"
    with pytest.raises(CifarlabError, match="leave out --range"):
        choose_space(MLP, ["learning_rate=1e-4..1e-2"], file=str(file))


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("x = 1", "defines no space"),
        ("def space(trial): return 3", "must return settings"),
        ("def space(trial): 1 / 0", "ZeroDivisionError"),
        ("def space(trial): return {'epochs': 5}", "epochs is not varied by a search: give --epochs"),
        ("def space(trial): return {'fold': 1}", "fold is not varied by a search"),
        (
            "def space(trial): return {'model.widths': trial.suggest_categorical('widths', [(8,), (8, 8)])}",
            r"the choices of widths are kept in files, as numbers or texts: give '\(512,\)'",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:Choices for a categorical")  # Optuna's, which a search does not show
def test_what_is_wrong_with_an_own_function_is_said(tmp_path, source, words):
    file = tmp_path / "space.py"
    file.write_text(source)
    own_code.allow(str(file))
    with pytest.raises(CifarlabError, match=words):
        own_space(str(file)).suggest(optuna.create_study().ask())


def test_an_own_file_that_nobody_named_is_not_executed(tmp_path):
    file = tmp_path / "space.py"
    file.write_text("raise SystemExit")
    with pytest.raises(CifarlabError):
        own_space(str(file))


def test_what_is_fixed_is_set_and_not_varied():
    space = choose_space("smoke", fixed=["optimizer=muon", "learning_rate=0.1"])
    assert "learning_rate" not in space.parameters
    assert isinstance(space, Space)
    assert load_recipe("smoke").optimizer == "adam"


def test_the_network_of_trained_weights_is_not_varied():
    space = choose_space("finetune", ["from_rate=0.0..1.0"], fixed=["data=digits"])
    assert {"learning_rate", "from_rate", "weight_decay"} <= set(space.parameters)
    assert not [key for key in space.parameters if key.startswith("model")]
    for range_ in ("model.depth=1..3", "model=1..2"):
        with pytest.raises(CifarlabError, match="the network is that of the weights in builtin"):
            choose_space("finetune", [range_])
    with pytest.raises(CifarlabError, match="the network is that of the weights in builtin"):
        choose_space("frozen", [], ["model.depth=1,2"])
    with pytest.raises(CifarlabError, match="give --fix start_from=RUN"):
        choose_space("finetune", [], ["start_from=builtin,runs/none"])
    with pytest.raises(CifarlabError, match="name them too, such as start_from=builtin"):
        choose_space("finetune", fixed=["start_from="])


@pytest.mark.parametrize("recipe", discovery.names("recipes"))
def test_every_recipe_is_searched_by_default(recipe):
    if load_recipe(recipe).start_from:  # its network is that of the weights
        return
    assert choose_space(recipe).parameters


def test_a_grid_needs_choices_and_no_function(tmp_path):
    file = tmp_path / "space.py"
    file.write_text("def space(trial): return {'optimizer': 'adam'}")
    own_code.allow(str(file))
    with pytest.raises(CifarlabError, match="lists no combinations: give another --sampler"):
        own_space(str(file)).combinations()


@pytest.mark.parametrize(
    ("setting", "words"), [("epochs=5", "give --epochs"), ("confirmation_fraction=0.2", "--confirm")]
)
def test_what_options_of_the_search_set_is_not_fixed(setting, words):
    with pytest.raises(CifarlabError, match=f"{setting.partition('=')[0]} is not fixed: .*{words}"):
        choose_space("mlp2", fixed=[setting])
    with pytest.raises(CifarlabError, match="is not fixed"):
        prepare("mlp2", Rules(epochs=3), [setting])


def test_muon_is_searched_without_the_weight_decay_that_it_refuses():
    assert "weight_decay" not in choose_space("convnet94", fixed=["validation_fraction=0.1"]).parameters
    assert "weight_decay" not in choose_space("mlp2", choices=["optimizer=adam,muon"]).parameters
    assert "weight_decay" in choose_space("mlp2").parameters
