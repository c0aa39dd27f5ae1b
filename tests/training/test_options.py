"""Early stopping, what selects the best epoch, averaged and class weights, Muon: in whole trainings, and resumed."""

import dataclasses
import json

import keras
import numpy as np
import pytest

from cifarlab import CifarlabError, Recipe, metrics, open_run, training
from cifarlab.datasets import load_data
from cifarlab.inference.prediction import load_model, predict_images
from cifarlab.runs import training_dynamics
from cifarlab.training.checkpoint import load_checkpoint

RECIPE = Recipe(
    model="mlp",
    model_args={"widths": (8,), "dropout": 0.1},
    data="digits",
    epochs=4,
    batch_size=300,
    learning_rate=3e-3,
    warmup_epochs=0,
)
OPTIONS = {
    "ema": {"ema": 0.8},
    "class_weight": {"class_weight": {"three": 5.0}},
    "select_by": {"select_by": "macro_f1"},
    "muon": {
        "optimizer": "muon",
        "optimizer_args": {"block_rows": 3, "adam_learning_rate": 1e-3},
        "learning_rate": 0.1,
    },
    "all": {"ema": 0.5, "class_weight": "balanced", "select_by": "loss", "patience": 3, "optimizer": "sgd"},
}


def train(tmp_path, recipe=RECIPE, **options):
    return training.train(recipe, runs_dir=tmp_path, show=options.pop("show", False), **options)


def values(run):
    state = load_checkpoint(run)
    return [*state.values, *state.best]


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return train(tmp_path_factory.mktemp("plain"), until=4)


@pytest.mark.parametrize("name", OPTIONS)
def test_a_resumed_training_ends_the_same_bit_for_bit(plain, tmp_path, name):
    recipe = dataclasses.replace(RECIPE, **OPTIONS[name])
    whole = train(tmp_path, recipe, name="whole", until=4)
    half = train(tmp_path, recipe, name="half", until=2)
    training.resume(half, show=False, until=4)
    for ours, theirs in zip(values(half), values(whole), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert load_checkpoint(half).best_epoch == load_checkpoint(whole).best_epoch
    assert open_run(half.path).recipe == recipe
    times = ("epoch_seconds", "images_per_second")
    halves, wholes = ([{k: v for k, v in row.items() if k not in times} for row in r.history()] for r in (half, whole))
    assert halves == wholes
    if name in ("class_weight", "muon", "all"):  # else the weights that are trained are those of a training without
        pairs = zip(load_checkpoint(whole).best, load_checkpoint(plain).best, strict=True)
        assert not all(np.array_equal(ours, theirs) for ours, theirs in pairs)


def test_the_average_is_what_is_validated_and_saved_and_the_weights_go_on_without_it(plain, tmp_path):
    run = train(tmp_path, dataclasses.replace(RECIPE, ema=0.8), until=4)
    # What is trained is not touched by the average: the last weights are those of a training without it.
    averaged, ours, theirs = (load_model(each) for each in (run, run, plain))
    ours.load_weights(run.last_weights_file)
    theirs.load_weights(plain.last_weights_file)
    kernels = [network.get_weights()[0] for network in (averaged, ours, theirs)]
    np.testing.assert_array_equal(kernels[1], kernels[2])
    assert not np.array_equal(kernels[0], kernels[1])
    best = load_checkpoint(run).history[load_checkpoint(run).best_epoch - 1]
    predictions = predict_images(load_model(run), load_data("digits").validation)
    assert predictions.correct.mean() == pytest.approx(best["validation_accuracy"], abs=1e-9)
    assert predictions.losses.mean() == pytest.approx(best["validation_loss"], rel=1e-5)


def test_the_average_is_that_of_its_formula(tmp_path, monkeypatch):
    recipe = dataclasses.replace(RECIPE, ema=0.75, epochs=1)
    seen = []
    from cifarlab.training import fit

    class Watching:
        """Notes the first layer's kernel after every step."""

        def __init__(self, engine, *_):
            self.__dict__["engine"] = engine

        def __getattr__(self, name):
            return getattr(self.engine, name)

        def run(self, rows, pixels):
            results = []
            for row in rows:
                results.append(self.engine.run(row[np.newaxis], pixels))
                self.engine.synchronise()
                seen.append(np.array(keras.ops.convert_to_numpy(self.engine.model.trainable_variables[0])))
            return tuple(np.concatenate(each) for each in zip(*results, strict=True))

    monkeypatch.setattr(fit, "NotingEngine", Watching)
    run = train(tmp_path, recipe, until=1)
    average = seen[0]
    for kernel in seen[1:]:
        average = 0.75 * average + 0.25 * kernel
    assert len(seen) >= 4
    saved = keras.ops.convert_to_numpy(load_model(run).trainable_variables[0])
    np.testing.assert_allclose(saved, average, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("select_by", ["loss", "macro_f1", "balanced_accuracy"])
def test_the_model_is_that_of_the_epoch_that_the_measure_chose(tmp_path, select_by):
    run = train(tmp_path, dataclasses.replace(RECIPE, select_by=select_by), until=4)
    rows, column = run.history(), f"validation_{select_by}"
    best = (min if select_by == "loss" else max)(rows, key=lambda row: row[column])
    assert load_checkpoint(run).best_epoch == best["epoch"]
    assert max(row["epoch"] for row in rows if row["is_best"]) == best["epoch"]
    predictions = predict_images(load_model(run), load_data("digits").validation)
    name = "negative_log_likelihood" if select_by == "loss" else select_by
    assert metrics.measure(name, predictions).value == pytest.approx(best[column], rel=1e-5)


def test_losses_that_are_recorded_are_not_weighted(tmp_path):
    """With one weight for all classes the training is that of a learning rate as much larger, and its losses too."""
    names = load_data("digits").class_names
    sgd = {"optimizer": "sgd", "optimizer_args": {"momentum": 0.0, "nesterov": False}, "model_args": {"widths": (8,)}}
    doubled = dataclasses.replace(RECIPE, **sgd, class_weight=dict.fromkeys(names, 2.0), epochs=2)
    faster = dataclasses.replace(RECIPE, **sgd, learning_rate=2 * RECIPE.learning_rate, epochs=2)
    ours, theirs = (train(tmp_path, each, until=2).history() for each in (doubled, faster))
    for row, expected in zip(ours, theirs, strict=True):
        assert row["train_loss"] == pytest.approx(expected["train_loss"], rel=1e-5)
        assert row["validation_loss"] == pytest.approx(expected["validation_loss"], rel=1e-5)


@pytest.fixture(scope="module")
def stopped_early(tmp_path_factory):
    """Nothing gets better: the learning rate is next to nothing, and of equal losses none is lower than the first."""
    told = []

    class Listening(training.Silent):
        def note(self, text):
            told.append(text)

    recipe = dataclasses.replace(RECIPE, learning_rate=1e-30, epochs=9, patience=2)
    return train(tmp_path_factory.mktemp("early"), recipe, show=Listening()), told


def test_a_training_without_progress_stops_early_and_says_so(stopped_early):
    run, told = stopped_early
    assert [row["epoch"] for row in run.history()] == [1, 2, 3]
    why = "stopped early after epoch 3 of 9: none of the last 2 had a better accuracy on validation than epoch 1"
    assert (run.state["state"], run.state["why"]) == ("finished", why)
    assert told == [f"{run.path}: {why}"]
    assert load_checkpoint(run).best_epoch == 1
    assert len(training_dynamics.read(run.dynamics_file).train.losses) == 3


def test_a_training_that_stopped_early_is_finished(stopped_early):
    run, _ = stopped_early
    with pytest.raises(CifarlabError, match=r"is finished \(stopped early after epoch 3 of 9.*\): nothing to resume"):
        training.resume(run, show=False)


def test_a_run_that_was_killed_as_it_stopped_early_takes_no_further_epoch(stopped_early):
    run, _ = stopped_early
    before = values(run)
    run.set_state("running")
    training.resume(run, show=False)
    assert len(run.history()) == 3
    assert run.state["state"] == "finished"
    for ours, theirs in zip(values(run), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_patience_is_counted_over_a_pause(tmp_path):
    recipe = dataclasses.replace(RECIPE, learning_rate=1e-30, epochs=9, patience=3)
    run = train(tmp_path, recipe, until=2)
    assert run.state["why"] == "paused after epoch 2 of 9"
    training.resume(run, show=False)
    assert [row["epoch"] for row in run.history()] == [1, 2, 3, 4]


def test_a_class_that_is_not_there_leaves_no_run_behind(tmp_path):
    with pytest.raises(CifarlabError, match="unknown class 'cat'"):
        train(tmp_path, dataclasses.replace(RECIPE, class_weight={"cat": 2.0}))
    assert list(tmp_path.iterdir()) == []


def test_imbalance_is_written_down_and_said(tmp_path):
    splits = load_data("digits")
    rare = np.flatnonzero(splits.train.labels == 3)[12:]
    train_images = splits.train.take(np.setdiff1d(np.arange(len(splits.train)), rare))
    few = dataclasses.replace(splits, train=train_images)
    run = train(tmp_path, dataclasses.replace(RECIPE, epochs=1), splits=few, until=1)
    notices = json.loads(run.data_file.read_text())["notices"]
    assert any("12 images of three. Try --set class_weight=balanced" in each for each in notices)
