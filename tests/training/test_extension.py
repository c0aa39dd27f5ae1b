"""A run with more epochs is the run that was begun with them, or is refused."""

import dataclasses
import shlex
import shutil

import numpy as np
import pytest

from cifarlab import CifarlabError, Recipe, open_run, training
from cifarlab.runs import Run
from cifarlab.training.checkpoint import load_checkpoint
from cifarlab.utils import files

RECIPE = Recipe(
    model="mlp",
    model_args={"widths": (8,), "dropout": 0.1},
    data="digits",
    epochs=2,
    batch_size=300,
    warmup_epochs=1.5,
    ema=0.5,
    flip="alternating",
)


def train(folder, recipe=RECIPE, **options):
    return training.train(recipe, runs_dir=folder, show=False, until=99, **options)


@pytest.fixture(scope="module")
def short(tmp_path_factory):
    return train(tmp_path_factory.mktemp("short"))


@pytest.fixture
def run(short, tmp_path):
    return open_run(shutil.copytree(short.path, tmp_path / "run"))


def test_more_epochs_end_as_if_the_run_had_been_begun_with_them(run, tmp_path):
    whole = train(tmp_path, dataclasses.replace(RECIPE, epochs=4), name="whole")
    training.resume(run, show=False, epochs=4, until=99)
    ours, theirs = load_checkpoint(run), load_checkpoint(whole)
    for each, expected in zip([*ours.values, *ours.best], [*theirs.values, *theirs.best], strict=True):
        np.testing.assert_array_equal(each, expected)
    assert (run.recipe, run.state["state"], ours.best_epoch) == (whole.recipe, "finished", theirs.best_epoch)
    times = ("epoch_seconds", "images_per_second")
    histories = [[{k: v for k, v in row.items() if k not in times} for row in each.history()] for each in (run, whole)]
    assert histories[0] == histories[1]
    with np.load(run.dynamics_file) as each, np.load(whole.dynamics_file) as expected:
        for name in expected.files:
            np.testing.assert_array_equal(each[name], expected[name])
    assert shlex.split(run.command)[-2:] == ["--set", "epochs=4"]
    resumed = run.environment["resumed"][-1]
    assert (resumed["after_epoch"], resumed["epochs_before"], resumed["epochs"]) == (2, 2, 4)


@pytest.mark.parametrize(
    ("changes", "epochs", "message"),
    [
        ({}, 2, "has 2 epochs: give more as --epochs. Received: 2"),
        ({"schedule": "cosine"}, 4, "schedule=cosine of .* train it again with --epochs 4, or .* --from "),
        ({"warmup_epochs": 3.0}, 4, "warm-up of .* was cut short at epoch 2 of 3"),
    ],
)
def test_what_would_be_another_training_is_refused_and_nothing_is_changed(run, changes, epochs, message):
    values = {**files.read_json(run.recipe_file), **changes}
    files.write_json(run.recipe_file, values)
    before = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    with pytest.raises(CifarlabError, match=message) as raised:
        training.resume(run, show=False, epochs=epochs)
    assert "\n" not in str(raised.value)
    assert {path: path.read_bytes() for path in before} == before


def test_a_run_that_stopped_early_would_have_stopped_with_more_epochs_too(run):
    files.write_json(run.recipe_file, {**files.read_json(run.recipe_file), "epochs": 9, "patience": 1})
    run.set_state("finished", "stopped early after epoch 2 of 9")
    with pytest.raises(CifarlabError, match="stopped early after epoch 2 of 9: with 20 epochs it would have stopped"):
        training.resume(run, show=False, epochs=20)


def test_a_run_without_a_checkpoint_has_nothing_to_go_on_from(run):
    run.checkpoint_file.unlink()
    run.earlier_checkpoint_file.unlink(missing_ok=True)
    with pytest.raises(CifarlabError, match="no checkpoint to go on from: train it again with --epochs 4"):
        training.resume(Run(run.path), show=False, epochs=4)
