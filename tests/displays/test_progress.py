"""Who is shown a training: a notebook below its cell, a terminal, or nobody."""

import io
import sys
import types

import pytest
from rich.console import Console

import cifarlab
from cifarlab.displays import notebook, progress
from cifarlab.displays.progress import TrainingDisplay, progress_of
from cifarlab.recipes import Recipe
from cifarlab.runs import Run
from cifarlab.training.observer import Silent, choose_observer
from cifarlab.utils.errors import CifarlabError

RECIPE = Recipe(model="mlp", epochs=2, batch_size=100)


class Handle:
    """What IPython gives for an output that can be drawn again: keeps every state."""

    def __init__(self, states):
        self.states = states

    def update(self, bundle, raw):
        assert raw
        self.states.append(bundle)


@pytest.fixture
def cell(monkeypatch) -> list[dict[str, str]]:
    """As in a cell of a notebook: every state of its one output."""
    states: list[dict[str, str]] = []

    def display(bundle, raw, display_id):
        assert raw
        assert display_id
        assert not states, "a second output below the cell"
        states.append(bundle)
        return Handle(states)

    module = types.ModuleType("IPython")
    module.get_ipython = lambda: types.SimpleNamespace(kernel=object())  # type: ignore[attr-defined]
    shown = types.ModuleType("IPython.display")
    shown.display = display  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", module)
    monkeypatch.setitem(sys.modules, "IPython.display", shown)
    return states


class Clock:
    def __init__(self):
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def row(epoch: int, accuracy: float) -> dict[str, float]:
    values = {"epoch": epoch, "train_loss": 1.5, "train_accuracy": 0.5, "images_per_second": 20_000.0}
    return {**values, "validation_loss": 1.25, "validation_accuracy": accuracy, "epoch_seconds": 3.0}


def test_an_interrupted_training_says_how_to_go_on(tmp_path, capsys):
    display = TrainingDisplay(Console(file=sys.stderr), clock=Clock())
    display.start(RECIPE, Run(tmp_path / "a b"), steps_per_epoch=10, first_epoch=1, epochs=3)
    display.epoch(row(1, 0.6), is_best=True)

    def interrupt() -> None:
        try:
            raise KeyboardInterrupt
        finally:
            display.finish(Run(tmp_path / "a b"))

    with pytest.raises(KeyboardInterrupt):
        interrupt()
    assert f"; go on with cifarlab train --resume '{tmp_path}/a b'" in capsys.readouterr().err


def test_a_notebook_sees_one_output_that_moves_and_ends_readable(cell, tmp_path, capsys):
    clock, run = Clock(), Run(tmp_path / "a<b")
    display = TrainingDisplay(clock=clock)
    display.start(RECIPE, run, steps_per_epoch=10, first_epoch=1, epochs=2)
    for epoch, accuracy in ((1, 0.6), (2, 0.55)):
        clock.seconds += 5
        display.step(epoch, 5, loss=1.4, accuracy=0.45, images_per_second=21_000.0)
        clock.seconds += 5
        display.epoch(row(epoch, accuracy), is_best=epoch == 1)
    display.finish(run)
    halfway = cell[1]["text/html"]
    assert 'value="0.2500"' in halfway
    assert "epoch 1/2, 15 s left" in halfway
    last = cell[-1]
    assert "2 epochs in 20 s, 6 s of them training alone, best on validation 60.00 % at epoch 1" in last["text/plain"]
    assert "validation accuracy 55.00 %" in last["text/html"]
    assert "a&lt;b" in last["text/html"]
    assert "<progress" not in last["text/html"]
    assert capsys.readouterr() == ("", "")


def test_the_browser_is_not_flooded(cell):
    clock = Clock()
    drawn = notebook.Cell(clock)
    for number in range(100):
        drawn.draw([str(number)], number / 100)
        clock.seconds += 0.1
    assert 18 <= len(cell) <= 22
    drawn.draw(["the end"], at_once=True)
    assert cell[-1]["text/plain"] == "the end"


def test_ipython_on_a_terminal_is_no_notebook(cell, monkeypatch):
    assert notebook.in_notebook()
    monkeypatch.setattr(sys.modules["IPython"], "get_ipython", lambda: types.SimpleNamespace())
    assert not notebook.in_notebook()
    monkeypatch.setattr(sys.modules["IPython"], "get_ipython", lambda: None)
    assert not notebook.in_notebook()


def test_what_is_chosen_where(cell, monkeypatch, capsys):
    assert isinstance(choose_observer(None), TrainingDisplay)
    assert isinstance(choose_observer(False), Silent)
    monkeypatch.delitem(sys.modules, "IPython")
    assert isinstance(choose_observer(None), Silent)
    assert isinstance(choose_observer(True), TrainingDisplay)
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)
    assert isinstance(choose_observer(None), TrainingDisplay)
    monkeypatch.delattr(sys, "ps1")
    terminal = io.StringIO()
    terminal.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stderr", terminal)
    assert isinstance(choose_observer(None), TrainingDisplay)
    assert not progress.is_interactive()  # what shorter functions ask for


def test_an_observer_is_taken_as_it_is_and_something_else_refused():
    own = Silent()
    assert choose_observer(own) is own
    assert cifarlab.TrainingDisplay is TrainingDisplay
    for wrong in ("yes", 1, print):
        with pytest.raises(CifarlabError, match="show takes True, False, None or an observer"):
            choose_observer(wrong)


def test_shorter_functions_show_in_a_notebook_what_they_do(cell):
    with progress_of("exploring digits", None) as report:
        report("reading", 0.5)
    assert cell[0]["text/plain"] == "exploring digits ..."
    assert cell[-1]["text/plain"] == "exploring digits: done in 0 s"
    count = len(cell)
    with progress_of("exploring digits", False) as report:
        report("reading", 0.5)
    assert len(cell) == count


def test_shorter_functions_are_silent_in_a_script(capsys):
    with progress_of("exploring digits", None) as report:
        report("reading", 0.5)
    assert capsys.readouterr() == ("", "")
