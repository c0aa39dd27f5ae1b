"""A user's own model is examined before the first step: each fault of its contract, by the layer that has it."""

from pathlib import Path

import keras
import numpy as np
import pytest

import cifarlab as cl
from cifarlab.cli import training
from cifarlab.datasets import load_data
from cifarlab.training import plan
from cifarlab.training.own_model import check_form, check_own_model
from cifarlab.utils import discovery, own_code
from cifarlab.utils.errors import CifarlabError

HEAD = """
import keras
from keras import layers, ops

def net(shape, end):
    inputs = keras.Input(shape)
    x = layers.Flatten()(layers.Rescaling(1 / 16)(inputs))
    return keras.Model(inputs, end(layers.Dense(16, activation="relu")(x)))

registered = keras.saving.register_keras_serializable(package="test_own_model")
"""
LAYER = """
{decorator}
class Scale(layers.Layer):
    def __init__(self, factor{default}, **more):
        super().__init__(**more)
        self.factor = factor

    def call(self, x):
        return x * self.factor

    def get_config(self):
        return {config}

def build(s, k): return net(s, lambda x: layers.Dense(k)(Scale(0.7, name="scale")(x)))
"""
WHOLE = '{**super().get_config(), "factor": self.factor}'
LACKING = "super().get_config()"


def end(code: str) -> str:
    return f"def build(s, k): return net(s, lambda x: {code})"


def layer(decorator: str = "@registered", default: str = "", config: str = WHOLE) -> str:
    return LAYER.format(decorator=decorator, default=default, config=config)


GOOD = {
    "logits": end("layers.Dense(k)(x)"),
    "zeros": end("layers.Dense(k, kernel_initializer='zeros')(x)"),
    "constant": end(
        "layers.Dense(k, kernel_initializer='zeros', bias_initializer=keras.initializers.Constant(0.1))(x)"
    ),
    "log_softmax": end("ops.log_softmax(layers.Dense(k)(x))"),
    "relu": end("layers.Dense(k, activation='relu')(x)"),
    "small": end("layers.Dense(k, kernel_initializer=keras.initializers.RandomNormal(stddev=1e-4))(x)"),
    "regularised": end("layers.Dense(k)(layers.Dropout(0.3)(layers.BatchNormalization()(x)))"),
    "own layer": layer(),
    "own function": "@registered\ndef act(x): return ops.tanh(x)\n" + end("layers.Dense(k)(layers.Activation(act)(x))"),
}
BAD = {
    "softmax": (end("layers.Dense(k, activation='softmax', name='last')(x)"), "'last' ends in softmax"),
    "softmax layer": (end("layers.Softmax(name='last')(layers.Dense(k)(x))"), "'last' ends in softmax"),
    "softmax operation": (end("ops.softmax(layers.Dense(k)(x))"), "ends in softmax"),
    "softmax and more": (
        end("layers.Activation('linear')(layers.Reshape((k,))(layers.Dense(k, activation='softmax', name='last')(x)))"),
        "'last' ends in softmax",
    ),
    "softmax within": (
        "def build(s, k): return keras.Sequential([keras.Input(s), keras.Sequential([layers.Flatten(), "
        "layers.Dense(k, activation='softmax', name='last')])])",
        "'last' ends in softmax",
    ),
    "sigmoid": (end("layers.Activation('sigmoid', name='last')(layers.Dense(k)(x))"), "'last' ends in sigmoid"),
    "sigmoid operation": (end("ops.sigmoid(layers.Dense(k)(x))"), "ends in sigmoid"),
    "softmax by hand": (
        "def soft(x):\n    e = ops.exp(x)\n    return e / ops.sum(e, -1, keepdims=True)\n"
        + end("soft(layers.Dense(k)(x))"),
        "add up to 1 for every image",
    ),
    "sigmoid by hand": (end("1 / (1 + ops.exp(-layers.Dense(k)(x)))"), "between 0 and 1 for every image"),
    "softmax rescaled": (
        end("layers.Rescaling(1.0, name='last')(layers.Dense(k, activation='softmax')(x))"),
        r"'last'\) add up to 1",
    ),
    "nan": (end("layers.Dense(k, name='last')(ops.log(-1 - x))"), "NaN or infinity, first in its layer 'last'"),
    "infinity": (end("layers.Dense(k)(layers.Rescaling(3e38, name='far')(x + 9))"), "first in its layer 'far'"),
    "raises": (
        end("layers.Dense(k)(layers.Rescaling(1e39)(x))"),
        r"cannot be asked about images: .*Rescaling\.call.*Can't convert",
    ),
    "lambda": (
        end("layers.Dense(k)(layers.Lambda(lambda t: 2 * t, name='twice')(x))"),
        r"'twice' \(Lambda\).*disallowed by default",
    ),
    "regularizer": (
        end("layers.Dense(k, kernel_regularizer=keras.regularizers.L2(1e-3))(x)"),
        "has losses of its own, by a regularizer or add_loss.*weight_decay",
    ),
    "activity": (end("layers.Dense(k)(layers.ActivityRegularization(l2=1e-3)(x))"), "has losses of its own"),
    "unregistered": (layer(decorator=""), r"'scale' \(Scale\).*register_keras_serializable"),
    "incomplete": (layer(config=LACKING), r"'scale' \(Scale\).*missing 1 required positional argument: 'factor'"),
    "forgetful": (layer(default="=0.1", config=LACKING), r"answers differently.*'scale' \(Scale\)"),
    "chance": (
        "@registered\nclass Noise(layers.Layer):\n"
        "    def __init__(self, **more):\n        super().__init__(**more)\n"
        "        self.generator = keras.random.SeedGenerator(0)\n"
        "    def call(self, x): return x + keras.random.normal(ops.shape(x), seed=self.generator)\n"
        + end("layers.Dense(k)(Noise()(x))"),
        "differently each time",
    ),
    "unsaved weight": (
        "@registered\nclass Gain(layers.Layer):\n"
        "    def build(self, shape): self.gain = self.add_weight(shape=(1,), initializer='ones')\n"
        "    def call(self, x): return x * self.gain\n"
        "    def save_own_variables(self, store): pass\n"
        "    def load_own_variables(self, store): pass\n" + end("layers.Dense(k)(Gain(name='gain')(x))"),
        r"answers differently.*'gain' \(Gain\)",
    ),
    "too many": (end("layers.Dense(k + 1)(x)"), r"logits of shape \(None, 10\)\. Received: \(None, 11\)"),
    "a map": (end("layers.Reshape((1, k))(layers.Dense(k)(x))"), r"Received: \(None, 1, 10\)"),
    "other images": ("def build(s, k): return net((8, 8, 1), layers.Dense(k))", r"take images of shape"),
    "frozen": ("def build(s, k):\n    m = net(s, layers.Dense(k)); m.trainable = False; return m", "nothing to train"),
    "nothing": ("def build(s, k): return None", "must return a keras.Model. Received: NoneType"),
}


@pytest.fixture(scope="module")
def train():
    return load_data("digits").train


@pytest.fixture
def examine(tmp_path, train):
    def examine(text: str) -> keras.Model:
        path = tmp_path / "own.py"
        path.write_text(HEAD + text)
        own_code.allow(str(path))
        module = discovery.load("models", str(path))
        model = module.build(train.image_shape, len(train.class_names))
        check_form(model, "own.py", train)
        before = [np.array(weight) for weight in model.variables]
        check_own_model(model, module, train)
        for weight, value in zip(model.variables, before, strict=True):
            np.testing.assert_array_equal(np.array(weight), value)
        return model

    return examine


@pytest.mark.parametrize("name", GOOD)
def test_a_model_that_keeps_the_contract_passes_and_is_left_as_it_was(name, examine):
    assert examine(GOOD[name]).trainable_weights


@pytest.mark.parametrize("name", BAD)
def test_what_breaks_the_contract_is_refused_by_name(name, examine):
    text, expected = BAD[name]
    with pytest.raises(CifarlabError, match=expected) as caught:
        examine(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (HEAD + BAD["softmax"][0], "ends in softmax"),
        ("def build(s, k): return undefined", "cannot be built: line 1: NameError"),
        ("VALUE = 1", "defines no build"),
    ],
)
def test_a_training_is_refused_before_its_run_is_made(text, expected, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("own.py").write_text(text)
    with pytest.raises(CifarlabError, match=expected):
        cl.train("smoke", settings=["model=own.py"], data="digits")
    assert not Path("runs").exists()


def test_every_own_model_is_examined_before_the_first_training(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("soft.py").write_text(HEAD + BAD["softmax"][0])
    Path("last.py").write_text('from cifarlab.recipes import Recipe\nRECIPE = Recipe(model="soft.py", data="digits")\n')
    trainings = plan.plan_trainings(["smoke", "last.py"], ["epochs=1", "batch_size=100"], data="digits")
    with pytest.raises(CifarlabError, match="ends in softmax"):
        training.train_all(trainings)
    assert not Path("runs").exists()
