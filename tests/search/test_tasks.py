"""One piece of work on digits: done once, goes on where it was killed, and says how it ended."""

import errno
import os
import shutil

import filelock
import numpy as np
import pytest

from cifarlab import training
from cifarlab.recipes import load_recipe, override
from cifarlab.runs import Run
from cifarlab.search import tasks
from cifarlab.search.tasks import DONE, ELSEWHERE, FAILED, NO_ROOM, Answer, Task, advance
from cifarlab.training.checkpoint import load_checkpoint
from cifarlab.utils import files
from cifarlab.utils.errors import CifarlabError

RECIPE = override(load_recipe("smoke"), ["confirmation_fraction=0.1", "model.widths=(16,)"])


def values(run):
    return load_checkpoint(run).values


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A task that was done in one go."""
    task = Task(tmp_path_factory.mktemp("whole") / "0000-seed0", RECIPE, 3)
    assert advance(task) == Answer(DONE)
    return task


@pytest.fixture(scope="module")
def paused(tmp_path_factory):
    """The same, up to the first epoch."""
    task = Task(tmp_path_factory.mktemp("paused") / "0000-seed0", RECIPE, 1)
    assert advance(task) == Answer(DONE)
    return task


def copied(task, folder, until):
    shutil.copytree(task.folder, folder / task.folder.name)
    return Task(folder / task.folder.name, RECIPE, until)


@pytest.fixture
def no_training(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("it is trained, though it is done")

    monkeypatch.setattr(training, "train", refuse)
    monkeypatch.setattr(training, "resume", refuse)


def test_what_is_done_is_not_done_again(whole, no_training):
    for until in (1, 2, 3):
        assert advance(Task(whole.folder, RECIPE, until)) == Answer(DONE)
    assert not Task(whole.folder, RECIPE, 3, confirm=True).is_done()


def test_paused_at_a_rung_it_goes_on_to_the_bits_of_a_training_in_one_go(whole, paused, tmp_path):
    task = copied(paused, tmp_path, 3)
    assert not task.is_done()
    assert (task.run.state["state"], len(task.run.history())) == ("stopped", 1)
    assert advance(task) == Answer(DONE)
    assert task.run.state["state"] == "finished"
    assert all(np.array_equal(a, b) for a, b in zip(values(task.run), values(whole.run), strict=True))
    with np.load(task.run.dynamics_file) as these, np.load(whole.run.dynamics_file) as those:
        for name in those.files:
            np.testing.assert_array_equal(these[name], those[name])


def test_killed_with_a_history_ahead_of_its_checkpoint_it_is_not_done(whole, paused, tmp_path):
    task = copied(paused, tmp_path, 2)
    task.run.write_history(whole.run.history()[:2])
    values_of_epoch_1 = values(task.run)
    for state in ("running", "failed"):  # failed: as after a disk that was full
        task.run.set_state(state)
        assert not task.is_done()
    assert advance(task) == Answer(DONE)
    assert (len(task.run.history()), load_checkpoint(task.run).epoch) == (2, 2)
    assert not all(np.array_equal(a, b) for a, b in zip(values(task.run), values_of_epoch_1, strict=True))


def test_killed_it_goes_on_though_its_process_seems_to_live(paused, tmp_path):
    """The number of the process that was killed may be that of another one by now."""
    task = copied(paused, tmp_path, 2)
    task.run.set_state("running")
    state = files.read_json(task.run.state_file)
    files.write_json(task.run.state_file, {**state, "process": os.getppid(), "process_started": None})
    assert task.run.is_being_trained()
    assert advance(task) == Answer(DONE)


@pytest.mark.parametrize("there", [[], ["run.json"], ["run.json", "recipe.json", "history.csv"]])
def test_a_half_made_folder_is_made_again(whole, tmp_path, there, monkeypatch):
    folder = tmp_path / "0000-seed0"
    folder.mkdir()
    for name in there:
        shutil.copy(whole.folder / name, folder)
    if there:
        Run(folder).set_state("running")
    made = []
    monkeypatch.setattr(training, "train", lambda recipe, **options: made.append((recipe, list(tmp_path.iterdir()))))
    assert advance(Task(folder, RECIPE, 3)) == Answer(DONE)
    (recipe, beside), *more = made
    assert (recipe, more) == (RECIPE, [])
    assert sorted(path.name for path in beside) == [".0000-seed0.lock", ".0000-seed0.lock.owner"]


def test_another_process_has_it(whole, no_training):
    task = Task(whole.folder, RECIPE, 3, confirm=True)
    with filelock.FileLock(task.lock_file):
        assert advance(task) == Answer(ELSEWHERE)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file() and ".lock" not in path.name}


@pytest.mark.parametrize("has_checkpoint", [True, False])
def test_what_another_command_trains_is_left_as_it_is(paused, tmp_path, has_checkpoint):
    task = copied(paused, tmp_path, 2)
    task.run.set_state("running")
    if not has_checkpoint:
        task.run.checkpoint_file.unlink()
        task.run.earlier_checkpoint_file.unlink(missing_ok=True)
    before = contents(task.folder)
    with task.run.owned():
        assert advance(task) == Answer(ELSEWHERE)
    assert contents(task.folder) == before


def full(name):
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), name)


@pytest.mark.parametrize("is_wrapped", [True, False])
def test_a_full_disk_is_no_fault_of_the_trial(tmp_path, monkeypatch, is_wrapped):
    def train(*_, **__):
        if not is_wrapped:
            raise full("events.out")
        try:
            raise full("model.keras")
        except OSError as error:
            raise CifarlabError("cannot write model.keras: No space left on device") from error

    monkeypatch.setattr(training, "train", train)
    answer = advance(Task(tmp_path / "0000-seed0", RECIPE, 1))
    assert answer.ended == NO_ROOM
    assert "No space left on device" in answer.reason


def test_a_folder_that_cannot_be_written_is_no_fault_of_the_trial(tmp_path):
    (tmp_path / "trials").write_text("a file, and no folder")
    answer = advance(Task(tmp_path / "trials" / "0000-seed0", RECIPE, 1))
    assert answer.ended == NO_ROOM
    assert str(tmp_path / "trials") in answer.reason


def test_memory_that_ends_is_a_failed_training(tmp_path, monkeypatch):
    def train(*_, **__):
        raise MemoryError

    monkeypatch.setattr(training, "train", train)
    assert advance(Task(tmp_path / "0000-seed0", RECIPE, 1)) == Answer(FAILED, "out of memory")


def test_a_loss_that_is_no_number_is_a_failed_training(tmp_path):
    recipe = override(RECIPE, ["learning_rate=1e30", "optimizer=sgd"])
    answer = advance(Task(tmp_path / "0000-seed0", recipe, 3))
    assert answer.ended == FAILED
    assert answer.reason.startswith("loss became nan at step") or "logits became infinite or nan" in answer.reason
    assert advance(Task(tmp_path / "0000-seed0", recipe, 3)) == answer  # again, and not "done"


def test_the_confirmation_part_is_answered_at_the_end(whole, tmp_path):
    task = copied(whole, tmp_path, 3)
    task = Task(task.folder, RECIPE, 3, confirm=True)
    assert advance(task) == Answer(DONE)
    assert task.is_done()
    said = np.load(task.run.predictions_file(tasks.CONFIRMATION))
    assert len(said["labels"]) == 143  # a tenth of the digits' 1,438 training images, by class


def test_a_task_travels_without_marking_the_users_own_files(tmp_path):
    import pickle

    from cifarlab.utils import own_code

    task = Task(tmp_path / "0000-seed0", override(RECIPE, ["model=own.py"]), 3)
    arrived = pickle.loads(pickle.dumps(task))
    assert (arrived.folder, arrived.until, arrived.recipe) == (task.folder, task.until, task.recipe)
    own_code.allow(arrived.recipe.model)
    assert own_code.allowed() == []  # what travelled is somebody's word: `--code` names the file
