"""What a resumed training says and does: how it had ended, what it costs, and which checkpoint it goes on from."""

import json
import os
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest

from cifarlab import CifarlabError, Recipe, open_run, training
from cifarlab.training import checkpoint_manager, deadline, fit, stops
from cifarlab.training.checkpoint import load_checkpoint
from cifarlab.utils import files

RECIPE = Recipe(model="mlp", model_args={"widths": (8,)}, data="digits", epochs=3, batch_size=400, warmup_epochs=0)


class Notes(training.Silent):
    """Remembers the sentences, and from which epoch a training went on."""

    def __init__(self):
        self.notes, self.first_epoch = [], 0

    def note(self, text):
        self.notes.append(text)

    def start(self, recipe, run, steps_per_epoch, first_epoch, epochs):
        self.first_epoch = first_epoch


def values(run):
    return [*load_checkpoint(run).values, *load_checkpoint(run).best]


def is_same(run, other):
    return all(np.array_equal(a, b) for a, b in zip(values(run), values(other), strict=True))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return training.train(RECIPE, runs_dir=tmp_path_factory.mktemp("whole"), show=False, until=3)


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """Paused after two epochs, with a checkpoint of each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoint_manager, "CHECKPOINT_SECONDS", -1.0)
        patch.setattr(checkpoint_manager, "FREE_SECONDS", 1e9)
        return training.train(RECIPE, runs_dir=tmp_path_factory.mktemp("stopped"), show=False, until=2)


@pytest.fixture
def cut(stopped, tmp_path):
    return open_run(shutil.copytree(stopped.path, tmp_path / "cut"))


def resume(run, **options):
    notes = Notes()
    return training.resume(run, show=notes, until=3, **options), notes


def test_the_last_two_checkpoints_are_kept(cut):
    with np.load(cut.checkpoint_file) as last, np.load(cut.earlier_checkpoint_file) as before:
        epochs = [len(json.loads(str(each["notes"]))["history"]) for each in (before, last)]
    assert epochs == [2, 2]  # the second is written again when the training pauses
    assert load_checkpoint(cut).epoch == 2


@pytest.mark.parametrize("damage", ["bit", "short", "empty", "gone", "text"])
def test_a_damaged_checkpoint_falls_back_to_the_one_before(whole, cut, damage):
    content = bytearray(cut.checkpoint_file.read_bytes())
    content[len(content) // 2] ^= 4
    changed = {"bit": bytes(content), "short": bytes(content[:1000]), "empty": b"", "text": b"nothing"}
    cut.checkpoint_file.write_bytes(changed[damage]) if damage in changed else cut.checkpoint_file.unlink()
    run, notes = resume(cut)
    assert is_same(run, whole)
    told = [note for note in notes.notes if "checkpoint-earlier.npz is taken instead, which is of epoch 2" in note]
    assert len(told) == (damage != "gone")


def test_a_checksum_sees_what_a_zip_archive_does_not(cut):
    with np.load(cut.checkpoint_file) as stored:
        arrays = dict(stored)
    arrays["values/0"] = arrays["values/0"] + 1  # written again whole, with another content
    np.savez(cut.checkpoint_file, **arrays)
    _, notes = resume(cut)
    assert any("its checksum is not that of its content" in note for note in notes.notes)


def test_a_checkpoint_of_an_earlier_version_has_no_checksum(cut, whole):
    with np.load(cut.checkpoint_file) as stored:
        arrays = {name: stored[name] for name in stored if name != "checksum"}
    np.savez(cut.checkpoint_file, **arrays)
    cut.earlier_checkpoint_file.unlink()
    assert is_same(resume(cut)[0], whole)


def test_two_damaged_checkpoints_are_one_line(cut):
    for file in (cut.checkpoint_file, cut.earlier_checkpoint_file):
        file.write_bytes(b"nothing")
    with pytest.raises(CifarlabError, match=r"cannot read .*checkpoint\.npz: .*nor the one before it.*train again"):
        resume(cut)
    assert cut.last_weights_file.read_bytes() != b""


def test_a_run_without_a_checkpoint_begins_again_and_says_what_is_lost(whole, cut):
    for file in (cut.checkpoint_file, cut.earlier_checkpoint_file, cut.history_file, cut.dynamics_file):
        file.unlink()
    cut.set_state("stopped", "interrupted")
    began = cut.command_file.stat().st_mtime
    for path in cut.path.rglob("*"):
        os.utime(path, (began, began))
    os.utime(cut.state_file, (began, began + 12))
    run, notes = resume(cut)
    assert notes.first_epoch == 1
    assert notes.notes[0].endswith(
        "it was stopped (interrupted); it had no checkpoint yet and begins again: at most 12 s of training are lost"
    )
    assert is_same(run, whole)


@pytest.mark.parametrize("hours", [-24, 24])
def test_what_is_lost_is_not_told_by_a_clock_that_was_set(cut, hours):
    at = cut.command_file.stat().st_mtime + 3600 * hours
    os.utime(cut.checkpoint_file, (at, at))
    assert stops.describe(cut).endswith("cannot be told, since the clock was set or the files were copied")


def test_a_process_that_ended_without_a_word_is_named(cut):
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    cut.set_state("running")
    files.write_json(cut.state_file, {**cut.state, "process": ended.pid})
    left = files.partial_path(cut.model_file).name.replace(f"-{os.getpid()}-", f"-{ended.pid}-")
    (cut.path / left).touch()
    _, notes = resume(cut)
    assert f"process {ended.pid} on " in notes.notes[0]
    assert "ended without a word: killed, perhaps for want of memory; it goes on from its last" in notes.notes[0]
    assert not (cut.path / left).exists()


def test_pictures_and_curves_of_epochs_that_are_repeated_are_void(cut, monkeypatch):
    """The history of a killed training is ahead of its checkpoint: the events are to be purged from the latter."""
    from cifarlab.training import tensorboard

    cut.write_history([*cut.history(), {**cut.history()[-1], "epoch": 3}])
    firsts = []

    class Writer(tensorboard.EventWriter):
        def __init__(self, *arguments):
            firsts.append(arguments[-1])
            super().__init__(*arguments)

    monkeypatch.setattr(tensorboard, "EventWriter", Writer)
    resume(cut)
    assert firsts == [3]


class Clock:
    """A monotonic clock that goes on by a second each time it is read."""

    perf_counter = staticmethod(time.perf_counter)

    def __init__(self):
        self.now = 0.0

    def monotonic(self):
        self.now += 1.0
        return self.now


def test_a_training_pauses_after_the_epoch_that_fits(whole, tmp_path, monkeypatch):
    clock = Clock()  # the same for both, or it is the machine's speed that decides
    for module in (deadline, fit):
        monkeypatch.setattr(module, "time", clock)
    run = training.train(RECIPE, runs_dir=tmp_path, show=False, max_seconds=6.0, until=3)
    done = load_checkpoint(run).epoch
    assert 1 <= done < 3
    assert (run.state["state"], run.state["why"]) == ("stopped", f"paused after epoch {done} of 3")
    monkeypatch.undo()
    assert is_same(resume(run)[0], whole)


def test_a_training_that_has_no_time_for_an_epoch_begins_again(whole, tmp_path):
    run = training.train(RECIPE, runs_dir=tmp_path, show=False, max_seconds=1e-9, until=3)
    assert run.state["why"] == "paused after epoch 0 of 3"
    assert not run.has_checkpoint()
    assert is_same(resume(run)[0], whole)


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf")])
def test_seconds_that_are_none_are_refused(seconds, tmp_path):
    with pytest.raises(CifarlabError, match="max_seconds takes a number above 0"):
        training.train(RECIPE, runs_dir=tmp_path, max_seconds=seconds)
    assert list(tmp_path.iterdir()) == []
