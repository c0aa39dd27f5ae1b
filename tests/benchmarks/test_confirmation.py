import numpy as np
import pytest

from cifarlab import CifarlabError, Recipe, recipes
from cifarlab.datasets import load_data
from cifarlab.runs import create_run
from cifarlab.runs.predictions import Predictions
from cifarlab.utils import files


@pytest.fixture
def held_back(tmp_path):
    """Makes a run of `digits` that held back such a share of its images for confirmation, another fold at will."""

    def make(name, fraction, fold=0):
        made = create_run(tmp_path, name)
        recipe = Recipe(model="mlp", data="digits", confirmation_fraction=fraction, validation_fraction=0.2, fold=fold)
        files.write_json(made.recipe_file, recipes.to_dict(recipe))
        files.write_json(made.data_file, {"name": "digits", "data_dir": None})
        return made

    return make


def test_runs_are_asked_what_none_was_trained_on(load_benchmark, held_back):
    program = load_benchmark("confirmation")
    images = program.common_images([held_back("one", 0.5), held_back("two", 0.5, fold=1)])
    data = load_data("digits", validation_fraction=0.2, confirmation_fraction=0.5)
    assert len(images) > 0.4 * (len(images) + len(data.train) + len(data.validation))
    assert not set(images.ids) & {*data.train.ids, *data.validation.ids, *data.test.ids}


def test_runs_that_cannot_be_compared_are_refused(load_benchmark, held_back):
    program = load_benchmark("confirmation")
    with pytest.raises(CifarlabError, match="held back no images"):
        program.common_images([held_back("none", 0.0)])
    with pytest.raises(CifarlabError, match="held back other images"):
        program.common_images([held_back("half", 0.5), held_back("third", 0.3)])


def test_a_line_has_the_differences_from_the_first(load_benchmark):
    program = load_benchmark("confirmation")
    labels = np.tile([0, 1], 200)
    first = Predictions.of(labels, logits=np.tile([[2.0, 1.0]], (400, 1)))  # right half of the time
    better = Predictions.of(labels, logits=np.where(np.arange(400)[:, None] < 300, 1 + np.eye(2)[labels], [2.0, 1.0]))
    # Of 400 images 300 are right, and of the last 100 every second one: 350.
    points, losses = program.differences(better, first)
    assert points.value == pytest.approx(350 / 400 - 200 / 400)
    assert points.low < points.value < points.high
    # A right answer costs ln(1 + 1/e), a wrong one ln(1 + e), one more: 150 images in 400 changed.
    assert losses.value == pytest.approx(-150 / 400)
    assert losses.low < losses.value < losses.high < 0
    assert program.describe("first", first, first) == f"{'first':24s} accuracy 50.00 %, loss 0.8133"
    assert "accuracy 87.50 %" in program.describe("better", better, first)
    assert "+37.50 (" in program.describe("better", better, first)
    twin = Predictions.of(labels, logits=first.logits)
    assert program.describe("twin", twin, first).endswith("points, loss +0.0000")  # and no interval of nothing
