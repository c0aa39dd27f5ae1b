"""What a training notes of its images: equal to a recomputation, complete after a stop, nothing of the test set."""

import shutil

import keras
import numpy as np
import pytest

from cifarlab import CifarlabError, Recipe, open_run, training
from cifarlab.datasets import load_data
from cifarlab.inference.prediction import load_model, predict_images
from cifarlab.runs import training_dynamics
from cifarlab.runs.training_dynamics import Curves
from cifarlab.training import checkpoint_manager
from cifarlab.training.dynamics_recorder import Recorder

RECIPE = Recipe(
    model="mlp", model_args={"widths": (8,)}, data="digits", epochs=3, batch_size=200, learning_rate=3e-3, flip="random"
)
STILL = {"epochs": 2, "learning_rate": 1e-12, "flip": "none", "precision": "float32", "warmup_epochs": 0}


class Stops(training.Silent):
    """Interrupts a training in the middle of an epoch."""

    def __init__(self, epoch):
        self.at = epoch

    def step(self, epoch, step, *_):
        if epoch == self.at and step > 1:
            raise KeyboardInterrupt


def assert_equal(one, other):
    for ours, theirs in ((one.train, other.train), (one.validation, other.validation)):
        np.testing.assert_array_equal(ours.ids, theirs.ids)
        np.testing.assert_array_equal(ours.losses, theirs.losses)
        np.testing.assert_array_equal(ours.correct, theirs.correct)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return training.train(RECIPE, runs_dir=tmp_path_factory.mktemp("runs"), name="whole")


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stopped")
    with pytest.raises(KeyboardInterrupt):
        training.train(RECIPE, runs_dir=folder, name="cut", show=Stops(3))
    return open_run(folder / "cut")


@pytest.fixture
def cut(stopped, tmp_path):
    """A training that was stopped in its third and last epoch, to be changed and resumed."""
    return open_run(shutil.copytree(stopped.path, tmp_path / "cut"))


def test_every_image_that_was_met_is_there_and_the_means_are_the_history(whole):
    splits = load_data("digits", **RECIPE.held_out)
    dynamics = training_dynamics.load(whole)
    np.testing.assert_array_equal(dynamics.train.ids, splits.train.ids)
    np.testing.assert_array_equal(dynamics.validation.ids, splits.validation.ids)
    count = len(splits.train)
    assert dynamics.train.losses.shape == (3, count)
    np.testing.assert_array_equal(dynamics.train.met.sum(axis=1), 3 * [count // 200 * 200])
    assert dynamics.validation.met.all()
    assert not dynamics.train.correct[~dynamics.train.met].any()
    for number, row in enumerate(whole.history()):
        assert np.nanmean(dynamics.train.losses[number].astype(float)) == pytest.approx(row["train_loss"], rel=1e-3)
        assert dynamics.train.correct[number].sum() / dynamics.train.met[number].sum() == pytest.approx(
            row["train_accuracy"]
        )
        assert dynamics.validation.correct[number].mean() == pytest.approx(row["validation_accuracy"])
        mean = dynamics.validation.losses[number].astype(float).mean()
        assert mean == pytest.approx(row["validation_loss"], rel=1e-3)
    assert not set(splits.test.ids.tolist()) & {*dynamics.train.ids.tolist(), *dynamics.validation.ids.tolist()}


def test_losses_are_those_of_a_recomputation_where_nothing_is_augmented_or_learnt(tmp_path):
    settings = [f"{key}={value}" for key, value in STILL.items()]
    run = training.train(RECIPE, runs_dir=tmp_path, settings=settings)
    splits, dynamics = load_data("digits", **RECIPE.held_out), training_dynamics.load(run)
    model = load_model(run)
    for curves, images in ((dynamics.train, splits.train), (dynamics.validation, splits.validation)):
        predictions = predict_images(model, images)
        for losses, right, met in zip(curves.losses, curves.correct, curves.met, strict=True):
            np.testing.assert_allclose(losses[met], predictions.losses[met], rtol=2e-3, atol=1e-4)
            assert (right[met] == (predictions.predicted == predictions.labels)[met]).mean() > 0.999


def test_a_resumed_training_has_the_same_dynamics(whole, cut):
    assert len(training_dynamics.load(cut).train.losses) == 2
    training.resume(cut)
    assert_equal(training_dynamics.load(cut), training_dynamics.load(whole))


def test_a_kill_between_dynamics_and_checkpoint_loses_nothing(whole, cut):
    """The dynamics are written first: on disk they may be ahead of the checkpoint, and never behind."""
    known = training_dynamics.load(whole)
    for curves in (known.train, known.validation):
        curves.losses[2:] = 7
        curves.correct[2:] = True
    training_dynamics.save(cut.dynamics_file, (known.train, known.validation), compress=False)
    training.resume(cut)
    assert_equal(training_dynamics.load(cut), training_dynamics.load(whole))


def test_the_dynamics_are_written_before_the_checkpoint(tmp_path, monkeypatch):
    save, ahead = checkpoint_manager.save_checkpoint, []

    def look_then_save(run, state):
        ahead.append(len(training_dynamics.load(run).train.losses) >= state.epoch)
        save(run, state)

    monkeypatch.setattr(checkpoint_manager, "CHECKPOINT_SECONDS", -1.0)
    monkeypatch.setattr(checkpoint_manager, "FREE_SECONDS", 60.0)  # however long it takes
    monkeypatch.setattr(checkpoint_manager, "save_checkpoint", look_then_save)
    training.train(RECIPE, runs_dir=tmp_path, settings=["epochs=2"])
    assert ahead == [True] * 3


def test_a_run_that_recorded_nothing_can_be_resumed(cut):
    cut.dynamics_file.unlink()
    training.resume(cut)
    dynamics = training_dynamics.load(cut)
    assert not dynamics.train.met[:2].any()
    assert dynamics.train.met[2].any()


def test_dynamics_of_other_images_are_refused(whole, tmp_path):
    splits = load_data("digits", **RECIPE.held_out)
    recorder = Recorder(splits, 3)
    other = Curves(np.array(["x"]), np.ones((3, 1), np.float16), np.ones((3, 1), bool))
    run = open_run(shutil.copytree(whole.path, tmp_path / "whole"))
    training_dynamics.save(run.dynamics_file, (other, other), compress=False)
    with pytest.raises(CifarlabError, match="about other images"):
        recorder.restore(run, 1)


def test_a_loss_too_large_for_half_precision_stays_finite():
    splits = load_data("digits", **RECIPE.held_out)
    recorder = Recorder(splits, 1)
    recorder.add(1, np.array([[0, len(splits.train) + 1]]), np.array([[1e9, 0.5]]), np.array([[False, True]]), None)
    assert recorder._train.losses[0, :2].tolist() == [65504.0, 0.5]
    assert recorder._train.correct[0, :3].tolist() == [False, True, False]


def test_the_engine_of_this_backend_hands_back_each_image(tmp_path):
    assert keras.backend.backend() in {"tensorflow", "jax", "torch"}
    run = training.train(RECIPE, runs_dir=tmp_path, settings=["epochs=1", "validation_fraction=0"])
    dynamics = training_dynamics.load(run)
    assert len(dynamics.validation.ids) == 0
    assert len(set(dynamics.train.losses[0][dynamics.train.met[0]].tolist())) > 500


def test_room_is_made_as_epochs_come_and_not_for_all_that_are_planned():
    """Of a hundred million epochs, which patience would cut short, no memory could hold the losses."""
    splits = load_data("digits")
    recorder = Recorder(splits, 100_000_000)
    rows = np.arange(len(splits.train))[np.newaxis]
    for epoch in (1, 2, 3):
        recorder.add(epoch, rows, np.full(rows.shape, epoch, np.float32), rows % 2 == 0, None)
    assert recorder._train.losses[:3].mean(axis=1).tolist() == [1, 2, 3]
    assert len(recorder._train.losses) < 10
