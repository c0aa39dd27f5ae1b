import keras
import numpy as np
import pytest

from cifarlab import CifarlabError, Recipe, recipes
from cifarlab.datasets import load_data
from cifarlab.inference.prediction import predict_images
from cifarlab.models import bottleneck_mlp
from cifarlab.runs import create_run
from cifarlab.utils import files

SIZES = {"width": 20, "blocks": 1, "expansion": 2, "sigma_pixels": (1.5, 2.0)}


@pytest.fixture
def run(tmp_path):
    made = create_run(tmp_path, "near")
    files.write_json(made.recipe_file, recipes.to_dict(Recipe(model="bottleneck_mlp", model_args=SIZES, data="digits")))
    files.write_json(made.data_file, {"name": "digits", "data_dir": None})
    return made


def test_energy_that_is_spread_evenly_is_as_far_as_the_weights_are(load_benchmark, run, monkeypatch):
    program = load_benchmark("far_weights")
    trained = bottleneck_mlp.build((8, 8, 1), 10, **SIZES)
    for layer, _ in bottleneck_mlp.gaussian_windows(trained, SIZES["sigma_pixels"]):
        layer.kernel.assign(np.full(layer.kernel.shape, -2.0, np.float32))
    monkeypatch.setattr(program, "load_model", lambda run: trained)
    shares = program.far_shares(run)
    assert [name for name, *_ in shares] == ["pixels_dense", "block1_wide", "block1_narrow"]
    for _, weights, before, after in shares:
        assert after == pytest.approx(weights)
        assert before < 0.03 < 0.3 < weights


def test_energy_that_is_all_near_is_not_far(load_benchmark, run, monkeypatch):
    program = load_benchmark("far_weights")
    trained = bottleneck_mlp.build((8, 8, 1), 10, **SIZES)
    for layer, near in bottleneck_mlp.gaussian_windows(trained, SIZES["sigma_pixels"]):
        layer.kernel.assign((near >= program.FAR).astype(np.float32))
    monkeypatch.setattr(program, "load_model", lambda run: trained)
    assert [after for *_, after in program.far_shares(run)] == [0.0, 0.0, 0.0]
    assert keras.ops.convert_to_numpy(trained.get_layer("pixels_dense").kernel).any()


def test_a_run_that_began_everywhere_is_refused(load_benchmark, run):
    files.write_json(run.recipe_file, recipes.to_dict(Recipe(model="bottleneck_mlp", data="digits")))
    with pytest.raises(CifarlabError, match="does not begin near"):
        load_benchmark("far_weights").far_shares(run)


def test_what_far_weights_say_is_lost_without_them(load_benchmark, run, monkeypatch):
    program = load_benchmark("far_weights")
    network = bottleneck_mlp.build((32, 32, 3), 10, **SIZES)
    rng = np.random.default_rng(0)
    for layer, near in bottleneck_mlp.gaussian_windows(network, SIZES["sigma_pixels"]):
        layer.kernel.assign(np.where(near < program.FAR, rng.normal(size=near.shape), 0))
    images = load_data("digits", **run.recipe.held_out).validation
    network.get_layer("logits").kernel.assign(rng.normal(size=(20, 10)))
    monkeypatch.setattr(program, "load_model", lambda run: network)
    expected = (predict_images(network, images).predicted == images.labels).mean()
    whole, _, nothing = program.cut_accuracies(run)
    assert whole[1].value == pytest.approx(expected)
    # With no weight left every image gets the same answer, which one class alone makes right.
    assert nothing[1].value in np.bincount(images.labels) / len(images.labels)
    for layer, _ in bottleneck_mlp.gaussian_windows(network, SIZES["sigma_pixels"]):
        assert not keras.ops.convert_to_numpy(layer.kernel).any()


def test_without_images_held_out_nothing_can_be_cut(load_benchmark, run):
    everything = Recipe(model="bottleneck_mlp", model_args=SIZES, data="digits", validation_fraction=0.0)
    files.write_json(run.recipe_file, recipes.to_dict(everything))
    with pytest.raises(CifarlabError, match="held out no images"):
        load_benchmark("far_weights").cut_accuracies(run)
