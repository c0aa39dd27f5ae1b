"""Trained on shuffled pixels: the model learns, its file carries the order, whitening saw what the model sees."""

import dataclasses

import numpy as np
import pytest

from cifarlab import training
from cifarlab.datasets import load_data
from cifarlab.inference import prediction
from cifarlab.models import convnet, shuffle_images
from cifarlab.recipes import load_recipe
from cifarlab.utils.errors import CifarlabError

PROGRAM = """
import tempfile
import keras, numpy as np
from cifarlab.inference import prediction
from cifarlab import training
from cifarlab.models import shuffle_images

with tempfile.TemporaryDirectory() as folder:
    settings = ["shuffle_pixels=True", "epochs=2", "flip=random", "translate_pixels=1"]
    run = training.train("smoke", settings=settings, runs_dir=folder)
    model = prediction.load_model(run)
    assert run.history()[-1]["train_loss"] < run.history()[0]["train_loss"]
    images = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3)).astype(np.uint8)
    behind = keras.Model(model.get_layer("shuffle_pixels").output, model.output)
    expected = keras.ops.convert_to_numpy(behind(shuffle_images(images).astype("float32")))
    np.testing.assert_allclose(prediction.compute_logits(model, images), expected, atol=1e-4)
print(keras.backend.backend())
"""


def test_a_shuffled_network_is_trained_and_loaded_on_every_backend(run_on_backend):
    run_on_backend(PROGRAM)


def test_whitening_is_fitted_to_shuffled_images(tmp_path):
    settings = ["model=convnet", "model.widths=(4,)", "shuffle_pixels=True", "epochs=1", "learning_rate=1e-4"]
    recipe = load_recipe("smoke")
    recipe = dataclasses.replace(recipe, model_args={})
    run = training.train(recipe, settings=settings, runs_dir=tmp_path)
    kernel = prediction.load_model(run).get_layer("whiten").get_weights()[0]
    fitted = convnet.build((32, 32, 3), 10, widths=(4,))
    images = load_data("digits", validation_fraction=0.1).train.images
    convnet.adapt(fitted, shuffle_images(images))
    np.testing.assert_allclose(kernel, fitted.get_layer("whiten").get_weights()[0], atol=1e-5)
    convnet.adapt(fitted, images)
    assert np.abs(kernel - fitted.get_layer("whiten").get_weights()[0]).max() > 0.1


def test_a_model_that_cannot_be_put_behind_it_is_one_line(tmp_path):
    mine = tmp_path / "mine.py"
    mine.write_text(
        "import keras\n"
        "def build(input_shape, num_classes):\n"
        "    return keras.Sequential([keras.Input(input_shape), keras.layers.Flatten(), keras.layers.Dense(10)])\n"
    )
    recipe = dataclasses.replace(load_recipe("smoke"), model=str(mine), model_args={}, shuffle_pixels=True)
    with pytest.raises(CifarlabError, match="cannot be built"):
        training.train(recipe, runs_dir=tmp_path / "runs")
