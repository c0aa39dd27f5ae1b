"""A run's own code: kept as evidence, asked for by name, and no other than was trained."""

import json
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest

import cifarlab as cl
from cifarlab import training
from cifarlab.cli import main as cli
from cifarlab.utils import own_code
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.own_code import NotNamedError

OWN = """
import keras

@keras.saving.register_keras_serializable(package="mine")
class Scale(keras.layers.Layer):
    def __init__(self, factor=FACTOR, **more):
        super().__init__(**more)
        self.factor = factor

    def call(self, x):
        return x * self.factor + SHIFT

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}

def build(input_shape, num_classes):
    inputs = keras.Input(input_shape)
    x = keras.layers.Flatten()(keras.layers.Rescaling(1 / 127.5, -1.0)(inputs))
    return keras.Model(inputs, keras.layers.Dense(num_classes)(Scale()(keras.layers.Dense(8, activation="relu")(x))))
"""
PLAIN = """
import keras

def build(input_shape, num_classes):
    inputs = keras.Input(input_shape)
    return keras.Model(inputs, keras.layers.Dense(num_classes)(keras.layers.Flatten()(inputs)))
"""
DATA = """
from cifarlab.datasets import digits

def load(**options):
    return digits.load(**options)
"""


def own(shift: float) -> str:
    return OWN.replace("FACTOR", "0.5").replace("SHIFT", str(shift))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Two runs of an own model, whose file was changed between them, and one of own data."""
    folder = tmp_path_factory.mktemp("kept")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(own_code, "_allowed", {})
        for name, shift in (("first", 0.0), ("second", 5.0)):
            Path("own.py").write_text(own(shift))
            settings = ["model=own.py", "epochs=2"]
            cl.train("smoke", settings=settings, data="digits", name=name, seed=0)
            shutil.move("own.py", f"{name}.txt")
        Path("set.py").write_text(DATA)
        cl.train("smoke", settings=["epochs=1"], data="set.py", name="data")
    return folder


@pytest.fixture
def here(trained, tmp_path, monkeypatch):
    """A copy of these runs; nothing has been named, as in a new process."""
    shutil.copytree(trained, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    return Path("runs")


def test_the_files_are_kept_and_noted(here):
    assert (here / "first" / "own.py").read_text() == own(0.0)
    note = json.loads((here / "first" / "environment.json").read_text())["code"]["model"]
    assert (note["name"], note["kept"]) == ("own.py", "own.py")
    assert (here / "data" / "set.py").read_text() == DATA


@pytest.mark.parametrize("words", ["evaluate runs/first", "predict picture.png --model runs/first"])
def test_the_model_is_loaded_once_its_file_is_named(here, words, capsys):
    from PIL import Image

    Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save("picture.png")
    assert cli.main(shlex.split(words)) == 2
    assert "name it yourself with --code runs/first/own.py" in capsys.readouterr().err
    assert cli.main([*shlex.split(words), "--code", "runs/first/own.py"]) == 0


def test_each_of_two_runs_gets_its_own_layers(here):
    """Both files register one name with Keras: the last one executed must not answer for both."""
    for order in (("first", "second"), ("second", "first")):
        for name in order:
            model = cl.load_model(str(here / name), code=[here / name / "own.py"])
            (scale,) = [layer for layer in model.layers if type(layer).__name__ == "Scale"]
            assert float(np.asarray(scale(np.zeros((1, 8), np.float32))).max()) == (0.0 if name == "first" else 5.0)


def test_a_file_that_has_changed_is_refused_and_the_kept_one_named(here):
    shutil.copy("second.txt", "own.py")
    with pytest.raises(CifarlabError, match=r"has changed: give --code runs/first/own\.py"):
        cl.load_model(str(here / "first"), code=["own.py"])


def test_a_run_is_resumed_by_the_command_that_it_shows(here, capsys):
    run = cl.open_run(here / "first")
    run.set_state("stopped", "interrupted")
    assert cli.main(["train", "--resume", "runs/first"]) == 2
    command = "cifarlab train --resume runs/first --code runs/first/own.py"
    assert command in capsys.readouterr().err
    assert cli.main(shlex.split(command)[1:]) == 0


def test_a_recipe_in_json_is_trained_by_the_command_that_it_records(here, capsys):
    assert cli.main(["train", "runs/first/recipe.json", "--name", "again"]) == 2
    assert "--code own.py" in capsys.readouterr().err
    words = ["train", "runs/first/recipe.json", "--name", "again", "--code", "runs/first/own.py"]
    assert cli.main(words) == 0
    assert (here / "again" / "command.txt").read_text().endswith("--code runs/again/own.py\n")


def test_own_data_are_found_again_once_their_file_is_named(here):
    assert cl.open_run(here / "data").data_name == "set.py"
    with pytest.raises(NotNamedError, match=r"--code set\.py"):
        cl.evaluate(here / "data")
    assert cl.evaluate(here / "data", code=[here / "data" / "set.py"]).notices == ()


def test_a_model_of_keras_own_layers_needs_no_file(here):
    Path("plain.py").write_text(PLAIN)
    run = cl.train("smoke", settings=["model=plain.py", "epochs=1"], data="digits", name="plain")
    own_code._allowed.clear()
    assert cl.evaluate(run).split == "test"


def test_two_files_of_one_name_are_refused_before_a_run_is_made(here):
    Path("other").mkdir()
    Path("other/plain.py").write_text(DATA)
    Path("plain.py").write_text(PLAIN)
    with pytest.raises(CifarlabError, match="different files of one name"):
        training.train("smoke", settings=["model=plain.py", "data=other/plain.py"], name="none")
    assert not (here / "none").exists()
