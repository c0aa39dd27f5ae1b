"""Forgetting events and first learnt epochs by hand; the file there and back."""

import numpy as np
import pytest

from cifarlab.runs import training_dynamics
from cifarlab.runs.layout import RunFiles
from cifarlab.runs.training_dynamics import Curves, first_learnt, forgetting_events
from cifarlab.utils.errors import CifarlabError

# One column an image, one row an epoch.
RIGHT = np.array(
    [
        [0, 1, 0, 1, 0],
        [1, 0, 0, 1, 0],
        [0, 1, 0, 1, 1],
        [1, 0, 0, 1, 1],
        [1, 1, 0, 1, 0],
    ],
    bool,
)


def test_forgetting_events_by_hand():
    np.testing.assert_array_equal(forgetting_events(RIGHT), [1, 2, 0, 0, 1])
    np.testing.assert_array_equal(forgetting_events(RIGHT[:0]), np.zeros(5))


def test_an_epoch_that_did_not_meet_the_image_counts_for_nothing():
    met = np.ones_like(RIGHT)
    met[2, 0] = False  # right, -, right, right: never forgotten
    met[1, 1] = False  # right, -, right, wrong, right
    met[4, 4] = False  # the last answer was right
    np.testing.assert_array_equal(forgetting_events(RIGHT & met, met), [0, 1, 0, 0, 0])
    met[:] = True
    met[1, 1] = met[2, 1] = False  # right, -, -, wrong, right
    np.testing.assert_array_equal(forgetting_events(RIGHT & met, met)[1], 1)


def test_first_learnt_by_hand():
    np.testing.assert_array_equal(first_learnt(RIGHT), [2, 1, 0, 1, 3])
    np.testing.assert_array_equal(first_learnt(RIGHT[:0]), np.zeros(5))


@pytest.mark.parametrize("compress", [True, False])
def test_there_and_back(tmp_path, compress):
    losses = np.linspace(0, 5, 25).reshape(5, 5).astype(np.float16)
    losses[3, 1] = np.nan
    right = RIGHT & ~np.isnan(losses)
    train = Curves(np.array(["a", "b", "Füchse/1.png", "d", "e"]), losses, right)
    validation = Curves(np.array(["v"]), losses[:, :1], RIGHT[:, :1])
    dynamics = training_dynamics.read(training_dynamics.save(tmp_path / "dynamics.npz", (train, validation), compress))
    for ours, theirs in ((train, dynamics.train), (validation, dynamics.validation)):
        np.testing.assert_array_equal(ours.ids, theirs.ids)
        np.testing.assert_array_equal(ours.losses, theirs.losses)
        np.testing.assert_array_equal(ours.correct, theirs.correct)
    history = dynamics.find("b")
    assert history.split == "train"
    assert (history.forgetting_events, history.first_learnt) == (1, 1)  # right, wrong, right, -, right
    assert np.isnan(history.losses[3])
    assert history.losses[0] == float(losses[0, 1])
    assert dynamics.find("Füchse/1.png").first_learnt is None
    assert dynamics.find("v").split == "validation"
    assert dynamics.find("test-00000") is None


def test_nothing_held_out(tmp_path):
    train = Curves(np.array(["a"]), np.ones((2, 1), np.float16), np.ones((2, 1), bool))
    none = Curves(np.zeros(0, "U1"), np.ones((2, 0), np.float16), np.ones((2, 0), bool))
    dynamics = training_dynamics.read(training_dynamics.save(tmp_path / "dynamics.npz", (train, none), True))
    assert len(dynamics.validation.ids) == 0
    assert dynamics.find("x") is None


def test_no_file_and_a_broken_one(tmp_path):
    run = RunFiles(tmp_path)
    assert training_dynamics.load(run) is None
    run.dynamics_file.write_bytes(b"nothing of the kind")
    with pytest.raises(CifarlabError, match="remove it to go on without it"):
        training_dynamics.load(run)
    np.savez(run.dynamics_file, format=np.array(7))
    with pytest.raises(CifarlabError, match="its format is 7, expected 1"):
        training_dynamics.load(run)
