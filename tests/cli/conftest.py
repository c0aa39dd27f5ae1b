"""A folder to work in, and runs that were never trained."""

import json
from pathlib import Path

import pytest

from cifarlab import recipes
from cifarlab.displays import console
from cifarlab.runs import Run, create_run


@pytest.fixture(autouse=True)
def unhurried(monkeypatch):
    """On a busy machine a stage may last long enough to be announced."""
    monkeypatch.setattr(console, "PLAIN_LINE_SECONDS", 600)


@pytest.fixture
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def make_run(empty_folder):
    def make(name="made", seed=0) -> Run:
        run = create_run(Path("runs"), name)
        run.set_state("finished")
        run.recipe_file.write_text(json.dumps(recipes.to_dict(recipes.Recipe(model="mlp", seed=seed))))
        run.data_file.write_text(json.dumps({"name": "digits", "checksums": {}, "data_dir": None}))
        run.environment_file.write_text(json.dumps({"backend": "tensorflow", "training_seconds": 1.0}))
        run.model_file.write_bytes(b"not a model")
        return run

    return make
