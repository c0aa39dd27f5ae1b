"""When a state is saved, and which epoch is the best; that nothing is lost is in `test_train.py`."""

from types import SimpleNamespace

import numpy as np
import pytest

from cifarlab.training import checkpoint_manager
from cifarlab.training.checkpoint import TrainingState, load_checkpoint, save_checkpoint
from cifarlab.training.checkpoint_manager import CheckpointManager


class Variable:
    """As far as the manager knows a Keras variable."""

    def __init__(self):
        self.value = np.zeros(1, np.float32)

    def assign(self, value):
        self.value = np.asarray(value)


@pytest.fixture
def clock(monkeypatch):
    """Seconds that pass only when they are told to."""
    now = SimpleNamespace(seconds=100.0)
    monkeypatch.setattr(checkpoint_manager.time, "monotonic", lambda: now.seconds)
    return now


@pytest.fixture
def make_manager(monkeypatch, clock):
    def make(epochs, copying_seconds=0.0, **options):
        weight, moment = Variable(), Variable()
        run = SimpleNamespace(write_history=lambda rows: None)
        manager = CheckpointManager(
            run, SimpleNamespace(variables=[weight]), [weight, moment], None, TrainingState([], []), epochs, **options
        )
        written = []

        def write():
            with manager._writing:
                written.append(manager.state.epoch)

        monkeypatch.setattr(manager, "write", write)
        read = checkpoint_manager.read_variables

        def read_slowly(variables):
            clock.seconds += copying_seconds if len(variables) == 2 else 0.0
            return read(variables)

        monkeypatch.setattr(checkpoint_manager, "read_variables", read_slowly)
        return manager, weight, written

    return make


def row(accuracy, loss):
    return {"validation_accuracy": accuracy, "validation_loss": loss}


def test_the_best_epoch_has_the_highest_accuracy_and_then_the_lowest_loss(make_manager):
    manager, weight, _ = make_manager(epochs=5)
    rows = [row(0.5, 1.0), row(0.6, 2.0), row(0.6, 1.5), row(0.55, 0.1), row(0.6, 1.5)]
    answers = []
    for epoch, each in enumerate(rows, start=1):
        weight.assign([float(epoch)])
        answers.append(manager.save(each))
    assert answers == [True, True, True, False, False]
    assert manager.state.best_epoch == 3
    assert manager.state.best[0].tolist() == [3.0]
    assert [value.tolist() for value in manager.state.values] == [[5.0], [0.0]]


@pytest.mark.parametrize(
    ("select_by", "best"),
    [
        ("accuracy", [1, 1, 0, 0]),
        ("loss", [1, 0, 1, 0]),
        ("macro_f1", [1, 0, 0, 1]),
        ("balanced_accuracy", [1, 1, 0, 1]),
    ],
)
def test_the_best_epoch_is_chosen_by_the_recipes_measure(make_manager, select_by, best):
    manager, _, _ = make_manager(epochs=4, select_by=select_by)
    columns = ("validation_accuracy", "validation_loss", "validation_macro_f1", "validation_balanced_accuracy")
    values = [(0.5, 1.0, 0.3, 0.2), (0.6, 1.1, 0.2, 0.3), (0.5, 0.9, 0.1, 0.2), (0.4, 1.0, 0.4, 0.4)]
    rows = [dict(zip(columns, each, strict=True)) for each in values]
    assert [manager.save(each) for each in rows] == [bool(each) for each in best]
    noted = [row.get("is_best") for row in manager.state.history]
    assert noted == ([None] * 4 if select_by == "accuracy" else best)


def test_a_training_is_over_after_so_many_epochs_without_a_better_one(make_manager):
    manager, _, _ = make_manager(epochs=9, patience=2)
    over = []
    for accuracy, loss in [(0.5, 1.0), (0.4, 0.1), (0.5, 0.9), (0.5, 0.9), (0.4, 1.0)]:
        manager.save(row(accuracy, loss))
        over.append(manager.is_over)
    assert over == [False, False, False, False, True]


def test_the_epoch_at_which_a_training_ends_early_is_copied_however_long_it_takes(make_manager, clock):
    manager, _, _ = make_manager(epochs=9, copying_seconds=1.0, patience=2)
    for accuracy in (0.5, 0.4, 0.3):
        clock.seconds += 1.0
        manager.save(row(accuracy, 1.0))
    assert (manager.is_over, manager.state.epoch) == (True, 3)


def test_the_latest_epoch_is_the_best_where_nothing_is_held_out(make_manager):
    manager, _, _ = make_manager(epochs=3)
    assert [manager.save({"train_loss": loss}) for loss in (1.0, 2.0, 3.0)] == [True, True, True]


def test_a_quick_state_is_copied_every_epoch_and_written_every_ten_seconds(make_manager, clock):
    manager, _, written = make_manager(epochs=100)
    copied = []
    for _ in range(6):
        clock.seconds += 4.0
        manager.save({})
        copied.append(manager.state.epoch)
    assert copied == [1, 2, 3, 4, 5, 6]
    assert written == [3, 6]


def test_a_state_that_takes_long_is_copied_for_a_small_share_of_the_time(make_manager, clock, monkeypatch):
    monkeypatch.setattr(checkpoint_manager, "CHECKPOINT_SHARE", 0.025)
    monkeypatch.setattr(checkpoint_manager, "FREE_SECONDS", 0.5)
    manager, _, _ = make_manager(epochs=100, copying_seconds=1.0)
    copied = []
    for epoch in range(1, 60):
        clock.seconds += 1.0
        manager.save({})
        if manager.state.epoch == epoch:
            copied.append(epoch)
    # A copy takes a second, half of one is free: at 0.025 a second the first is paid after 20 seconds, both after 60.
    assert copied == [1, 19, 58]


def test_the_last_epoch_is_copied_however_long_it_takes(make_manager, clock):
    manager, _, _ = make_manager(epochs=3, copying_seconds=1.0)
    for _ in range(3):
        clock.seconds += 1.0
        manager.save({})
    assert manager.state.epoch == 3


def test_the_backends_own_random_state_is_kept_beside_the_variables(tmp_path):
    run = SimpleNamespace(
        checkpoint_file=tmp_path / "checkpoint.npz", earlier_checkpoint_file=tmp_path / "checkpoint-earlier.npz"
    )
    for random in ([np.arange(5, dtype=np.uint8)], []):  # torch has one; other backends and earlier versions have none
        save_checkpoint(run, TrainingState([np.ones(2, np.float32)], [], 1, [{"epoch": 1}], random))
        loaded = load_checkpoint(run, pytest.fail)
        assert [each.tolist() for each in loaded.random] == [each.tolist() for each in random]
        assert len(loaded.values) == 1


def test_the_random_state_is_of_the_same_epoch_as_the_variables(make_manager):
    state = Variable()
    manager, *_ = make_manager(2, random=[state])
    for number in (1, 2):
        state.assign(np.full(1, number, np.float32))
        manager.save(row(0.5, 1.0))
    assert [each.tolist() for each in manager.state.random] == [[2.0]]
