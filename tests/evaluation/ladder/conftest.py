"""Recipe files of a made-up ladder, and runs of them that were never trained."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from cifarlab import recipes
from cifarlab.runs import Run, create_run
from cifarlab.utils import files

MACHINE = {"processor": "a processor", "cores": 2, "accelerators": [], "backend": "tensorflow"}
IMAGES = 1000
FIRST = '''"""A plain dense network.

Expect nothing of it.
"""
from cifarlab.recipes import Recipe
RECIPE = Recipe(model="mlp", model_args={"widths": [8]}, data="digits", epochs=3, batch_size=100)
'''
SECOND = FIRST.replace("A plain dense network", "Wider, and longer").replace("[8]", "(16,)").replace("=3,", "=5,")
THIRD = SECOND.replace("Wider, and longer", "Mirrored images").replace("epochs=5", 'epochs=5, flip="random"')
SIDE = (
    SECOND.replace("Expect nothing of it.", "Does not count for the record, because a convolutional network taught it.")
    .replace("Wider, and longer", "A taught network")
    .replace("(16,)", "(16,), 'dropout': 0.1")
)


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """The working folder, with recipes dense1.py, dense2.py, dense3.py and dense_taught.py."""
    monkeypatch.chdir(tmp_path)
    for name, text in (("dense1", FIRST), ("dense2", SECOND), ("dense3", THIRD), ("dense_taught", SIDE)):
        Path(f"{name}.py").write_text(text)
    return tmp_path


@pytest.fixture
def make_run(folder) -> Callable[..., Run]:
    """Makes a finished run of a recipe file, evaluated where it is given an accuracy."""

    def make(source: str, seed: int, accuracy: float | None, *, machine=None, name: str = "", **changes) -> Run:
        run = create_run(folder / "runs", name or f"{Path(source).stem}-seed{seed}")
        run.set_state("running")
        seconds = changes.pop("training_seconds", 100.0)
        trained = dataclasses.replace(recipes.load_recipe(source), seed=seed, **changes)
        files.write_json(run.recipe_file, recipes.to_dict(trained))
        files.write_json(run.data_file, {"name": "digits", "checksums": {}, "data_dir": None})
        about = {**(machine or MACHINE), "parameters": 24_714, "training_seconds": seconds}
        files.write_json(run.environment_file, about)
        run.write_history([{"epoch": n, "epoch_seconds": 0.5, "images_per_second": 3200.0} for n in (1, 2, 3)])
        run.set_state("finished")
        if accuracy is not None:
            scores = {"accuracy": accuracy, "count": IMAGES, "looks": 1, "scores": {}}
            files.write_json(run.scores_file("test"), scores)
        return run

    return make
