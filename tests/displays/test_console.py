"""What a training shows: a live display on a terminal, a few plain lines elsewhere."""

import io
import threading
from pathlib import Path
from typing import ClassVar

import pytest
from rich.console import Console

from cifarlab.displays import console
from cifarlab.displays.console import counting, make_console, working
from cifarlab.displays.progress import TrainingDisplay
from cifarlab.recipes import Recipe
from cifarlab.runs import Run
from cifarlab.utils.text import duration

RECIPE = Recipe(model="mlp", epochs=4, batch_size=100)


class Clock:
    def __init__(self):
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def row(epoch: int, accuracy: float, **others: float) -> dict[str, float]:
    values = {"epoch": epoch, "train_loss": 1.5, "train_accuracy": 0.5, "images_per_second": 20_000.0}
    return {**values, "validation_loss": 1.25, "validation_accuracy": accuracy, **others}


def train(display: TrainingDisplay, clock: Clock, run: Run, seconds_per_epoch: float, first_epoch: int = 1) -> None:
    display.start(RECIPE, run, steps_per_epoch=10, first_epoch=first_epoch, epochs=4)
    for epoch, accuracy in list(enumerate((0.4, 0.6, 0.5, 0.45), start=1))[first_epoch - 1 :]:
        display.step(epoch, 5, loss=1.4, accuracy=0.45, images_per_second=21_000.0)
        clock.seconds += seconds_per_epoch
        display.epoch(row(epoch, accuracy), is_best=accuracy >= 0.6)
    display.finish(run)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def plain(clock: Clock, tmp_path, **arguments) -> list[str]:
    output = io.StringIO()
    with TrainingDisplay(Console(file=output, width=200, highlight=False), clock) as display:
        train(display, clock, Run(tmp_path / "first"), **arguments)
    return output.getvalue().splitlines()


def test_slow_epochs_get_a_plain_line_each(clock, tmp_path):
    first, *epochs, last = plain(clock, tmp_path, seconds_per_epoch=30.0)
    assert "mlp on cifar10, 4 epochs of 10 steps, batch size 100, seed 0" in first
    assert [line.split()[1] for line in epochs] == ["1/4", "2/4", "3/4", "4/4"]
    assert epochs[1].endswith("validation accuracy 60.00 % (best)  20,000 images/s  1 min 00 s left")
    assert last.endswith("4 epochs in 2 min 00 s, best on validation 60.00 % at epoch 2")


def test_quick_epochs_get_a_line_every_two_seconds_and_the_last_one(clock, tmp_path):
    lines = plain(clock, tmp_path, seconds_per_epoch=0.9)
    assert [line.split()[1] for line in lines[1:-1]] == ["3/4", "4/4"]


def test_a_resumed_training_reckons_from_where_it_began(clock, tmp_path):
    first, third, *_ = plain(clock, tmp_path, seconds_per_epoch=30.0, first_epoch=3)
    assert first.endswith("from epoch 3")
    assert third.endswith("30 s left")


def test_without_validation_there_is_none_to_show(clock):
    output = io.StringIO()
    with TrainingDisplay(Console(file=output, width=200, highlight=False), clock) as display:
        display.start(RECIPE, Run(Path("first")), steps_per_epoch=10, first_epoch=1, epochs=1)
        kept = {key: value for key, value in row(1, 0.5).items() if not key.startswith("validation")}
        display.epoch(kept, is_best=True)
        display.finish(Run(Path("first")))
    assert "validation" not in output.getvalue()
    assert output.getvalue().endswith("first: 1 epoch in 0 s\n")


def test_the_live_display_shows_everything(clock, tmp_path):
    console = Console(file=io.StringIO(), force_terminal=True, width=120, highlight=False, record=True)
    display = TrainingDisplay(console, clock)
    with display:
        console.print(display._draw())
        display.start(RECIPE, Run(tmp_path / "first"), steps_per_epoch=10, first_epoch=1, epochs=4)
        clock.seconds += 10
        display.epoch(row(1, 0.6), is_best=True)
        display.step(2, 5, loss=1.4, accuracy=0.45, images_per_second=21_000.0)
        clock.seconds += 5
        console.print(display._draw())
    shown = console.export_text()
    for text in ("loading Keras", "epoch 2/4", "step 5/10", "25 s left", "loss 1.4000", "accuracy 45.00 %"):
        assert text in shown
    for text in ("validation accuracy 60.00 %", "(best 60.00 % at epoch 1)", "21,000 images/s"):
        assert text in shown


def test_an_error_leaves_no_live_display_behind(clock):
    file = io.StringIO()
    console = Console(file=file, force_terminal=True)
    with pytest.raises(ValueError, match="broken"), TrainingDisplay(console, clock):
        raise ValueError("broken")
    assert "\x1b[?25h" in file.getvalue(), "the cursor is shown again"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "0 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (130, "2 min 10 s"), (3900, "1 h 05 min")],
)
def test_durations_as_people_say_them(seconds, words):
    assert duration(seconds) == words


def test_where_nobody_watches_a_spinner_is_silent(capsys):
    with working("thinking") as progress:
        progress("hard", 0.5)
    assert capsys.readouterr() == ("", "")


class Timer(threading.Timer):
    """Goes off when a test says so, if it has been started."""

    made: ClassVar[list["Timer"]] = []

    def __init__(self, *words):
        super().__init__(*words)
        self.made.append(self)

    @property
    def ident(self):
        return 1 if getattr(self, "begun", False) else None

    def start(self):
        self.begun = True

    def go_off(self):
        if self.ident and not self.finished.is_set():
            self.function(*self.args, **self.kwargs)


@pytest.fixture
def timers(monkeypatch):
    monkeypatch.setattr(console.threading, "Timer", Timer)
    monkeypatch.setattr(Timer, "made", [])
    return Timer.made


def test_where_nobody_watches_a_long_stage_is_one_line(capsys, timers):
    with working("evaluating runs/x") as progress:
        progress("hard", 0.5)
        timers[0].go_off()
    assert capsys.readouterr() == ("", "evaluating runs/x ...\n")


def test_a_stage_that_is_said_once_told_leaves_an_early_error_alone(capsys, timers):
    with working("asking the runs", once_told=True) as progress:
        timers[0].go_off()
        assert capsys.readouterr() == ("", "")
        progress("one", 0.0)
        progress("two", 0.5)
        timers[0].go_off()
    assert capsys.readouterr() == ("", "asking the runs ...\n")


def test_paths_are_printed_as_they_are(capsys):
    make_console().print("runs/[bold]1:2[/bold]/:smile:")
    assert capsys.readouterr().out == "runs/[bold]1:2[/bold]/:smile:\n"


def test_where_nobody_watches_what_takes_minutes_says_how_much_is_left(capsys):
    seconds = iter([0.0, 3.0, 20.0, 20.0, 20.0, 21.0])
    with counting("robustness of x", clock=lambda: next(seconds)) as progress:
        progress("fog, severity 1", 0.1)  # after 3 s: nothing is printed
        progress("fog, severity 2", 0.5)
    assert capsys.readouterr().err == "robustness of x: 50 % done, fog, severity 2, 20 s left\n"
