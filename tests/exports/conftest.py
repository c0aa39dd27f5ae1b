"""A run on digits, whose network is made up: what is exported here."""

from pathlib import Path

import numpy as np
import pytest

from cifarlab import recipes
from cifarlab.datasets import load_data
from cifarlab.runs import Run, create_run
from cifarlab.utils import discovery, files
from cifarlab.utils.environment import choose_backend


@pytest.fixture(scope="session")
def digits_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Of a dense network with an exact GELU, which tf2onnx by itself leaves in a form that no runtime opens."""
    choose_backend()
    splits = load_data("digits")
    run = create_run(tmp_path_factory.mktemp("runs"), "digits-run")
    run.set_state("finished")
    files.write_json(run.recipe_file, recipes.to_dict(recipes.Recipe(model="mlp", data="digits")))
    files.write_json(run.data_file, {"name": "digits", "class_names": splits.class_names})
    files.write_json(run.environment_file, {})
    files.write_text(run.command_file, "cifarlab train mlp1 --data digits\n")
    shape, rng = splits.train.image_shape, np.random.default_rng(0)
    model = discovery.load("models", "mlp").build(shape, len(splits.class_names), widths=(16,), activation="gelu")
    model.set_weights([rng.normal(0, 0.3, weight.shape) for weight in model.get_weights()])
    model.save(run.model_file)
    return run


@pytest.fixture(scope="session")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder to export into."""
    return tmp_path_factory.mktemp("exports")
