"""Keeping results of the ladder: which run is which rung's, its operations, and this machine's limit."""

import dataclasses
from pathlib import Path
from types import SimpleNamespace

import pytest

from cifarlab import recipes
from cifarlab.evaluation.ladder.results import Results
from cifarlab.evaluation.ladder.rungs import Rung
from cifarlab.recipes import Recipe
from cifarlab.runs import create_run
from cifarlab.utils import files
from cifarlab.utils.errors import CifarlabError

PLAIN = Recipe(model="mlp", model_args={"widths": (8,)}, data="digits", epochs=3, batch_size=100)
RUNGS = [Rung("dense1", "dense1", PLAIN, "plain"), Rung("dense2", "dense2", dataclasses.replace(PLAIN, epochs=9), "x")]
MACHINE = {"processor": "a processor", "cores": 2, "accelerators": [], "backend": "tensorflow"}


def make_run(root: Path, seed: int = 0, **changes):
    run = create_run(root, f"run{seed}")
    run.set_state("finished")
    files.write_json(run.recipe_file, recipes.to_dict(dataclasses.replace(PLAIN, seed=seed, **changes)))
    files.write_json(run.data_file, {"name": "digits"})
    files.write_json(run.environment_file, {**MACHINE, "parameters": 5, "training_seconds": 2.0})
    files.write_json(run.scores_file("test"), {"accuracy": 0.5, "count": 10, "looks": 1, "scores": {}})
    run.write_history([{"epoch": n, "epoch_seconds": 0.5, "images_per_second": 3200.0} for n in (1, 2, 3)])
    return run


def test_a_run_is_matched_by_its_settings_and_one_of_others_is_refused(tmp_path):
    from ladder import sort_runs

    runs = [make_run(tmp_path, seed) for seed in (0, 1)]
    assert sort_runs(runs, RUNGS) == {"dense1": runs}
    with pytest.raises(CifarlabError, match=r"run2 was trained with the settings of no rung: dense2 with epochs=8"):
        sort_runs([make_run(tmp_path, 2, epochs=8, batch_size=100)], RUNGS[1:])


def test_operations_are_those_of_every_image_at_the_size_it_was_seen(tmp_path, monkeypatch):
    import ladder

    monkeypatch.setattr(ladder, "build", lambda run: SimpleNamespace(input_shape=(None, 32, 32, 3)))
    monkeypatch.setattr(ladder, "operations_per_image", lambda model, pixels: pixels * 10**9)
    # Three epochs of 3200 images a second for half a second: 1600 images each, the first of them at 16 pixels.
    expected = 1600 * (16 + 32 + 32) * 1e9 / 1e15
    assert ladder.count_petaflop(make_run(tmp_path, image_pixels=(16,))) == pytest.approx(expected)
    short = make_run(tmp_path, seed=1, epochs=4)
    with pytest.raises(CifarlabError, match="3 epochs of 4"):
        ladder.count_petaflop(short)


def test_operations_hold_what_muon_does_in_every_step(tmp_path, monkeypatch):
    import keras
    import ladder

    inputs = keras.Input((2, 2, 3))
    hidden = keras.layers.Dense(20)(keras.layers.Flatten()(inputs))  # a kernel (12, 20): three blocks of four rows
    monkeypatch.setattr(ladder, "build", lambda run: keras.Model(inputs, hidden))
    monkeypatch.setattr(ladder, "operations_per_image", lambda model, pixels: 7)
    muon = {"optimizer": "muon", "optimizer_args": {"block_rows": 4}}
    steps = 3 * 1600 / 100
    a_step = 3 * 3 * 2 * (2 * 4 * 4 * 20 + 4**3)  # three iterations by default
    assert ladder.count_petaflop(make_run(tmp_path, **muon)) == pytest.approx((3 * 1600 * 7 + steps * a_step) / 1e15)


@pytest.mark.parametrize(("cores", "limit"), [(2, 7e11), (4, None)])
def test_the_limit_is_measured_only_on_the_machine_of_the_training(cores, limit, tmp_path, monkeypatch):
    import ladder

    monkeypatch.setattr(ladder, "describe_environment", lambda: {**MACHINE, "cores": cores})
    monkeypatch.setattr(ladder, "count_petaflop", lambda run: 0.25)
    monkeypatch.setattr(ladder, "matrix_rate", lambda dtype: 7e11)
    kept = ladder.keep(Results(), {"dense1": [make_run(tmp_path)]}, "tensorflow")
    assert kept.rungs["dense1"].limit_flop_per_second == limit
    assert kept.rungs["dense1"].petaflop == 0.25
    assert kept.of(RUNGS[0]) == kept.rungs["dense1"]
