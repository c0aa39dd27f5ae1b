"""What is refused without Keras, in the words in which a training refuses it."""

import inspect

import keras
import numpy as np
import pytest

from cifarlab.datasets import ImageSet
from cifarlab.recipes import load_recipe, override
from cifarlab.training.optimizers.muon import Muon
from cifarlab.training.requirements import OPTIMIZER_ARGUMENTS, check_data, check_settings
from cifarlab.utils import discovery
from cifarlab.utils.errors import CifarlabError

CLASSES = {"adam": keras.optimizers.Adam, "lion": keras.optimizers.Lion, "sgd": keras.optimizers.SGD, "muon": Muon}


@pytest.mark.parametrize("name", discovery.names("recipes"))
def test_every_recipe_as_shipped_can_be_trained(name):
    recipe = load_recipe(name)
    check_settings(recipe, (32, 32, 3))
    check_settings(recipe, None)


@pytest.mark.parametrize("name", CLASSES)
def test_optimizers_take_what_their_classes_take(name):
    names = [
        each
        for each in inspect.signature(CLASSES[name].__init__).parameters
        if each not in ("self", "kwargs", "learning_rate")
    ]
    assert sorted(OPTIMIZER_ARGUMENTS[name]) == sorted(names)


@pytest.mark.parametrize(
    ("recipe", "settings", "said"),
    [
        (
            "mlp2",
            ["model.widths=(0,)"],
            "cannot be built with widths=(0,), dropout=(0.3, 0.2, 0.1): widths must",
        ),
        ("mlp2", ["model.widths=(64,)"], "dropout needs one rate, or one for each of 1 layers"),
        ("mlp2", ["model.activation=rely"], "activation must be one of"),
        ("mlp2", ["model.width=(2,)"], "unknown setting 'model.width': did you mean model.widths?"),
        ("mlp2", ["image_pixels=(16,)"], "model mlp takes images of one size only: image_pixels must be empty"),
        ("convnet94", ["image_pixels=(1,)"], "whitening_pixels must be at most 1"),
        ("convnet94", ["image_pixels=(48,)"], "image_pixels must be at most 32"),
        ("convnet94", ["model.depth=4"], "depth must be 2 or 3. Received: 4"),
        ("convnet94", ["weight_decay=0.1"], "muon rescales its kernels in every step instead: weight_decay must be 0"),
        ("convnet94", ["optimizer.dtype=int8"], "optimizer.dtype must be one of float32"),
        ("resnet18", ["model.blocks=-1"], "blocks must be a whole number of at least 0"),
        ("dense7", ["model.sigma_pixels=()", "model.far_learning_rate_scale=0.5"], "needs sigma_pixels"),
        ("smoke", ["translate_pixels=32"], "translate_pixels must be below 32"),
        ("smoke", ["optimizer.beta=1"], "optimizer adam cannot be built with beta=1: unknown setting 'optimizer.beta'"),
        ("smoke", ["optimizer.beta_1=high"], "optimizer.beta_1 must be a number. Received: 'high'"),
        ("smoke", ["optimizer.learning_rate=0.5"], "give learning_rate, which the schedule begins with"),
        ("smoke", ["optimizer.beta_1=None"], "optimizer.beta_1 must be a number. Received: None"),
        ("convnet94", ["optimizer.bias_learning_rate=0"], "optimizer.bias_learning_rate must be above 0"),
        ("smoke", ["optimizer.beta_1=1.5"], "optimizer.beta_1 must be between 0 and 1"),
        ("smoke", ["clip_norm=1", "optimizer.clipvalue=1"], "clip_norm and clipvalue exclude each other"),
    ],
)
def test_settings_that_no_training_takes(recipe, settings, said):
    with pytest.raises(CifarlabError) as caught:
        check_settings(override(load_recipe(recipe), settings), (32, 32, 3))
    assert said in str(caught.value)


def test_what_does_not_fit_the_training_images():
    train = ImageSet(np.zeros((20, 4, 4, 1), np.uint8), np.zeros(20, np.int64), np.arange(20).astype(str), ("a", "b"))
    recipe = override(load_recipe("smoke"), ["batch_size=20"])
    check_data(recipe, train)
    for settings, said in (
        (
            ["batch_size=21"],
            "batch_size 21 is more than the 20 training images of digits: give --batch-size 20 or less",
        ),
        (["class_weight=balanced"], "class_weight=balanced needs training images of every class: b has none"),
        (['class_weight={"c": 2.0}'], "class_weight: unknown class 'c'"),
    ):
        with pytest.raises(CifarlabError) as caught:
            check_data(override(recipe, settings), train)
        assert said in str(caught.value)
