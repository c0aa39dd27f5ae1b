"""Every script in examples/ does what it says."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import optuna
import pytest

import cifarlab as cl
from cifarlab.datasets import cifar10
from cifarlab.models import mlp
from cifarlab.recipes import load_recipe, override
from cifarlab.search import choose_space
from cifarlab.training.optimizers.schedules import build_schedule
from cifarlab.training.plan import check_recipe

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_no_example_is_forgotten():
    tested = {"own_model.py", "own_recipe.py", "own_space.py", "train_and_report.py", "whole_story.py"}
    assert {path.name for path in EXAMPLES.glob("*.py")} == tested


def test_train_and_report(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(EXAMPLES / "train_and_report.py"))["main"]()
    out = capsys.readouterr().out
    assert "95 % interval" in out
    assert (tmp_path / "runs" / "smoke-seed0" / "report.html").is_file()
    assert {path.name for path in (tmp_path / "runs" / "smoke-seed0" / "figures").iterdir()} == {
        "training-curves.png",
        "test-confusion-matrix.png",
        "test-per-class-scores.png",
        "test-mistakes.png",
    }


@pytest.mark.thorough  # files of a user's own have faster tests beside recipes and models
def test_own_recipe_and_own_model(tmp_path):
    recipe = cl.train(str(EXAMPLES / "own_recipe.py"), runs_dir=tmp_path, settings=["epochs=1"])
    assert recipe.path.name == "own_recipe-seed0"
    settings = [f"model={EXAMPLES / 'own_model.py'}", "model.dropout=0.2", "epochs=1"]
    model = cl.train("smoke", runs_dir=tmp_path, settings=settings)
    assert 0 < cl.evaluate(model).accuracy < 1


def test_own_space():
    """Whatever the sampler proposes, it is a recipe that can be built."""
    space = choose_space("smoke", file=str(EXAMPLES / "own_space.py"))
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    recipes = []
    for _ in range(10):
        settings = space.suggest(study.ask())
        recipes.append(override(load_recipe("smoke"), [f"{key}={value}" for key, value in settings.items()]))
        check_recipe(recipes[-1])
    assert {len(recipe.model_args["widths"]) for recipe in recipes} == {1, 2, 3}
    assert all(len(recipe.model_args["dropout"]) == len(recipe.model_args["widths"]) for recipe in recipes)
    assert mlp.build((8, 8, 3), 10, **recipes[0].model_args).output.shape == (None, 10)


@pytest.fixture
def whole_story():
    module = SimpleNamespace(**runpy.run_path(str(EXAMPLES / "whole_story.py")))
    yield module
    module.plt.close("all")


def test_the_whole_story_has_the_network_and_the_schedule_of_mlp2(whole_story):
    recipe = load_recipe("mlp2")
    ours = mlp.build((32, 32, 3), 10, **recipe.model_args)
    theirs = whole_story.build_network()
    assert theirs.count_params() == ours.count_params()
    flip, *layers = theirs.layers
    assert isinstance(flip, keras.layers.RandomFlip)
    _, *expected = ours.layers  # the first is the input
    assert [(type(layer), layer.output.shape) for layer in layers] == [
        (type(layer), layer.output.shape) for layer in expected
    ]
    rates = [
        [layer.rate for layer in network if isinstance(layer, keras.layers.Dropout)] for network in (layers, expected)
    ]
    assert rates[0] == rates[1]
    assert (recipe.batch_size, cifar10.CLASS_NAMES) == (whole_story.BATCH_SIZE, whole_story.CLASSES)
    steps = np.array([0, 1, 100, 224, 225, 226, 2000, 4498, 4499])
    schedules = whole_story.WarmupThenCosine(45, recipe.epochs), build_schedule(recipe, 45)
    ours, theirs = ([float(schedule(step)) for step in steps] for schedule in schedules)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-10)


@pytest.mark.thorough
@pytest.mark.data
def test_the_whole_story_agrees_with_the_laboratory(whole_story, cifar10_dir, tmp_path):
    """Three epochs on the whole training set: both end within a few seeds' spread (about a point) of each other."""
    folder = cifar10_dir if cifar10_dir.is_dir() else pytest.skip("the example reads the unpacked folder")
    (images, labels), (test_images, test_labels) = whole_story.load_cifar10(folder)
    splits = cl.load_data(data_dir=cifar10_dir, validation_fraction=0.0)
    np.testing.assert_array_equal(images, splits.train.images)
    np.testing.assert_array_equal(test_labels, splits.test.labels)
    network, history = whole_story.train(images, labels, 3)
    probabilities = whole_story.predict(network, test_images)
    accuracy = (probabilities.argmax(axis=1) == test_labels).mean()
    run = cl.train("mlp2", settings=["epochs=3"], data_dir=cifar10_dir, runs_dir=tmp_path, show=False)
    assert accuracy == pytest.approx(cl.evaluate(run).accuracy, abs=0.03)
    assert len(history["val_accuracy"]) == 3
    whole_story.draw_mistakes(tmp_path / "mistakes.png", test_images, test_labels, probabilities)
    assert (tmp_path / "mistakes.png").read_bytes().startswith(b"\x89PNG")


def test_the_whole_story_opens_no_pickle_that_is_not_the_published_one(whole_story, tmp_path):
    (tmp_path / "test_batch").write_bytes(b"cbuiltins\nprint\n(S'run'\ntR.")
    with pytest.raises(SystemExit, match="not the published file"):
        whole_story.read_batch(tmp_path, "test_batch")
