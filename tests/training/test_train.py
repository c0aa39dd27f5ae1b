"""Whole trainings on digits: reproducible, resumable, and nothing lost when they fail."""

import errno
import os

import keras
import numpy as np
import pytest

from cifarlab import CifarlabError, Recipe, load_recipe, open_run, training
from cifarlab.datasets import load_data
from cifarlab.runs.derived import model_checksum
from cifarlab.runs.trained_images import find_overlap, hash_images
from cifarlab.training import checkpoint_manager, fit
from cifarlab.training.checkpoint import load_checkpoint
from cifarlab.training.optimizers.schedules import WarmupThenDecay

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
RECIPE = Recipe(
    model="mlp",
    model_args={"widths": (16,), "dropout": 0.2},
    data="digits",
    epochs=4,
    batch_size=200,
    learning_rate=3e-3,
    schedule="cosine",
    warmup_epochs=1,
    translate_pixels=2,
    rotate_degrees=5.0,
    zoom_factor=0.1,
    brightness_factor=0.05,
    contrast_factor=0.1,
    cutout_pixels=3,
    mixup_alpha=0.1,
    cutmix_alpha=0.1,
)
PLAIN = Recipe(model="mlp", model_args={"widths": (16,)}, data="digits", epochs=3, batch_size=200, warmup_epochs=0)
"""Where it does not matter how it learns: without augmentation a training is compiled in half the time."""


class Recorder(training.Silent):
    """Remembers what it was told; interrupts after an epoch if it is asked to."""

    def __init__(self, interrupt_after=None):
        self.steps, self.rows, self.best, self.finished = [], [], [], 0
        self.interrupt_after = interrupt_after

    def step(self, epoch, step, loss, accuracy, images_per_second):
        self.steps.append((epoch, step))
        if self.interrupt_after is not None and epoch > self.interrupt_after:
            raise KeyboardInterrupt

    def epoch(self, row, is_best):
        self.rows.append(row)
        self.best.append(is_best)

    def finish(self, run):
        self.finished += 1


def values(run):
    return load_checkpoint(run).values


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    show = Recorder()
    return training.train(RECIPE, runs_dir=tmp_path_factory.mktemp("runs"), name="whole", show=show), show


def test_a_run_holds_everything(finished):
    run, show = finished
    assert open_run(run.path, needs_model=True).state["state"] == "finished"
    assert run.recipe == RECIPE
    assert [row["epoch"] for row in run.history()] == [1, 2, 3, 4]
    assert [row["epoch"] for row in show.rows] == [1, 2, 3, 4]
    steps_per_epoch = show.steps[-1][1]
    assert show.steps[-1] == (4, steps_per_epoch)
    assert steps_per_epoch * 200 <= 1797 * 0.8 * 0.9 < (steps_per_epoch + 1) * 200
    assert show.finished == 1
    assert run.history()[-1]["learning_rate"] > 0
    assert run.environment["parameters"] == (3072 * 16 + 16) + (16 * 10 + 10)
    assert run.data["class_names"] == list(DIGITS)


def test_a_run_remembers_which_images_it_was_trained_on(finished):
    run, _ = finished
    splits = load_data("digits", **RECIPE.held_out)
    with np.load(run.trained_images_file) as stored:
        assert stored["ids"].tolist() == splits.train.ids.tolist()
        assert stored["hashes"].tolist() == hash_images(splits.train.images).tolist()
    for part, share in ((splits.train, 1), (splits.test, 0)):
        assert find_overlap(run, part, "digits").trained_on.mean() == share


def test_it_learns(finished):
    run, _ = finished
    assert run.history()[-1]["validation_accuracy"] > 0.3  # of ten classes, after four epochs of changed images
    assert run.history()[-1]["train_loss"] < run.history()[0]["train_loss"]


def test_the_model_is_the_best_epochs(finished):
    run, show = finished
    state = load_checkpoint(run)
    accuracies = [row["validation_accuracy"] for row in run.history()]
    assert accuracies[state.best_epoch - 1] == max(accuracies)
    assert show.best[state.best_epoch - 1]
    model = keras.saving.load_model(run.model_file)
    for variable, best in zip(model.variables, state.best, strict=True):
        if "seed" not in variable.path:  # Keras starts random states anew in a loaded model
            np.testing.assert_array_equal(variable.numpy(), best)


def test_same_seed_same_weights_other_seed_others_and_no_run_is_overwritten(tmp_path):
    # A resumed training, below, has every augmentation, and the weights of one that was not stopped.
    settings = ["epochs=1", "model.dropout=0.2", "flip=random"]
    run, again, other = (training.train(PLAIN, runs_dir=tmp_path, seed=seed, settings=settings) for seed in (0, 0, 1))
    assert all(np.array_equal(a, b) for a, b in zip(values(run), values(again), strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(values(run), values(other), strict=True))
    assert [each.path.name for each in (run, again, other)] == ["mlp-seed0", "mlp-seed0-2", "mlp-seed1"]


def test_resumed_training_ends_with_the_same_weights_bit_for_bit(finished, tmp_path):
    whole, _ = finished
    with pytest.raises(KeyboardInterrupt):
        training.train(RECIPE, runs_dir=tmp_path, name="cut", show=Recorder(interrupt_after=2))
    cut = open_run(tmp_path / "cut", needs_model=True)
    assert cut.state["state"] == "stopped"
    assert len(cut.history()) == 2
    cut.trained_images_file.unlink()  # as if an earlier version had begun it
    before, show = model_checksum(cut), Recorder()
    training.resume(cut, show=show)
    with np.load(whole.trained_images_file) as those, np.load(cut.trained_images_file) as these:
        assert all(np.array_equal(those[name], these[name]) for name in ("ids", "hashes"))
    assert model_checksum(cut) != before
    assert cut.state["state"] == "finished"
    assert [row["epoch"] for row in show.rows] == [3, 4]
    assert all(np.array_equal(a, b) for a, b in zip(values(whole), values(cut), strict=True))
    with pytest.raises(CifarlabError, match="finished: nothing to resume"):
        training.resume(cut)


@pytest.mark.thorough  # resuming, where every epoch is kept, is tested above
def test_a_state_that_takes_long_to_fetch_is_kept_seldom_and_resumed_from_there(finished, tmp_path, monkeypatch):
    whole, _ = finished
    with monkeypatch.context() as slow:
        slow.setattr(checkpoint_manager, "FREE_SECONDS", 1e-9)
        slow.setattr(checkpoint_manager, "CHECKPOINT_SHARE", 1e-12)  # after the first epoch, and in the end
        with pytest.raises(KeyboardInterrupt):
            training.train(RECIPE, runs_dir=tmp_path, name="cut", show=Recorder(interrupt_after=3))
    cut = open_run(tmp_path / "cut", needs_model=True)
    assert [row["epoch"] for row in cut.history()] == [1]
    show = Recorder()
    training.resume(cut, show=show)
    assert [row["epoch"] for row in show.rows] == [2, 3, 4]
    assert all(np.array_equal(a, b) for a, b in zip(values(whole), values(cut), strict=True))
    assert [row["validation_loss"] for row in cut.history()] == [row["validation_loss"] for row in whole.history()]


@pytest.mark.thorough  # a dense one does so above
def test_a_convolutional_training_repeats_and_resumes_bit_for_bit(tmp_path):
    recipe = Recipe(
        model="convnet",
        model_args={"widths": (4, 8)},
        data="digits",
        epochs=3,
        batch_size=200,
        optimizer="muon",
        learning_rate=0.1,
        schedule="linear",
        flip="alternating",
        translate_pixels=2,
        image_pixels=(16, 24),
        precision="bfloat16",
    )
    whole = training.train(recipe, runs_dir=tmp_path, name="whole")
    with pytest.raises(KeyboardInterrupt):
        training.train(recipe, runs_dir=tmp_path, name="cut", show=Recorder(interrupt_after=1))
    cut = training.resume(tmp_path / "cut", show=Recorder())
    assert all(np.array_equal(a, b) for a, b in zip(values(whole), values(cut), strict=True))
    assert whole.history()[-1]["train_loss"] < whole.history()[0]["train_loss"]


class BreaksAfterTheFirstEpoch(WarmupThenDecay):
    """A learning rate that becomes infinite."""

    def __call__(self, step):
        return keras.ops.where(keras.ops.cast(step, "float32") < 7, 1e-3, float("inf"))


def test_a_loss_that_is_no_number_stops_and_keeps_the_last_good_weights(tmp_path, monkeypatch):
    monkeypatch.setattr(fit, "build_schedule", lambda *_: BreaksAfterTheFirstEpoch(1e-3, 20, 0, "constant"))
    with pytest.raises(
        CifarlabError, match=r"loss became nan at step \d+ \(epoch 2\): the weights of epoch 1"
    ) as caught:
        training.train(PLAIN, runs_dir=tmp_path, name="broken")
    run = open_run(tmp_path / "broken", needs_model=True)
    assert (run.state["state"], run.state["why"]) == ("failed", str(caught.value))
    model = keras.saving.load_model(run.model_file)
    assert all(np.isfinite(variable.numpy()).all() for variable in model.trainable_variables)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            ["batch_size=5000"],
            r"batch_size 5000 is more than the 1,\d+ training images of digits: give --batch-size 1\d+ or less",
        ),
        (["model.width=(2,)"], r"unknown setting 'model.width': did you mean model.widths"),
        (["model=mpl"], r"unknown model 'mpl': did you mean mlp\?"),
        (["brightness_factor=2"], r"brightness_factor must be between 0 and 1"),
        (["translate_pixels=40"], r"translate_pixels must be below 32"),
        (["image_pixels=(16,)"], r"model mlp takes images of one size only"),
        (["optimizer.beta=1"], r"optimizer adam cannot be built with beta=1"),
    ],
)
def test_wrong_settings_leave_no_run_behind(tmp_path, settings, message):
    with pytest.raises(CifarlabError, match=message):
        training.train(RECIPE, runs_dir=tmp_path / "runs", settings=settings)
    assert not (tmp_path / "runs").exists()


def test_training_on_everything_keeps_the_last_epoch(tmp_path):
    run = training.train(PLAIN, runs_dir=tmp_path, settings=["validation_fraction=0", "epochs=2"])
    assert "validation_accuracy" not in run.history()[0]
    assert load_checkpoint(run).best_epoch == 2


def test_weights_that_explode_without_validation_are_never_kept(tmp_path):
    settings = ["validation_fraction=0", "batch_size=1400", "learning_rate=1e30"]
    with pytest.raises(CifarlabError, match=r"(loss|logits) became .* no epoch was finished"):
        training.train(PLAIN, runs_dir=tmp_path, name="exploded", settings=settings)
    assert not (tmp_path / "exploded" / "model.keras").exists()


def test_a_full_disk_is_one_line_and_leaves_no_half_file(tmp_path, monkeypatch):
    def save_on_a_full_disk(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(np, "savez", save_on_a_full_disk)
    with pytest.raises(CifarlabError, match=r"cannot write .*: No space left on device; free some space"):
        training.train(PLAIN, runs_dir=tmp_path, name="full", settings=["epochs=1"])
    assert open_run(tmp_path / "full").state["state"] == "failed"
    assert not list((tmp_path / "full").glob("*partial*"))


def test_a_training_from_python_records_a_command_that_makes_it_again(finished):
    run, _ = finished
    assert run.command == f"cifarlab train {run.path / 'recipe.json'}"
    assert load_recipe(run.command.split()[-1]) == run.recipe
