import io
from pathlib import Path

import pytest
from rich.console import Console

from cifarlab.displays.tuning import TuningDisplay, sparkline
from cifarlab.runs import Run


class Clock:
    seconds = 0.0

    def __call__(self):
        return self.seconds


def run(folder, accuracies):
    one = Run(folder)
    folder.mkdir(exist_ok=True)
    one.write_history([{"epoch": n, "validation_accuracy": each} for n, each in enumerate(accuracies, start=1)])
    return one


def test_a_sparkline_goes_from_the_lowest_to_the_highest():
    assert sparkline([]) == ""
    assert sparkline([0.5]) == "▁"
    assert sparkline([0.5, 0.5]) == "▁▁"
    assert sparkline([0.0, 0.5, 1.0]) == "▁▅█" or sparkline([0.0, 0.5, 1.0]) == "▁▄█"
    assert sparkline([9.0, *range(20)], most=20) == sparkline(range(20))  # the last alone


def test_a_log_gets_a_line_a_rung(tmp_path):
    said = io.StringIO()
    display = TuningDisplay(Console(file=said, width=20), Clock())
    display.begin(Path("studies/wide"), ["searching studies/wide", "space: learning_rate 1e-4..1e-2:log"], 30)
    display.race("round 1", {"trial 0": run(tmp_path / "0", [])}, 0, 3)
    for _ in range(5):
        display.tick()
    display.judged("61.00 % (trial 0: the recipe as shipped)", {"complete": 1})
    display.race("round 2", {"trial 1": run(tmp_path / "1", [])}, 0, 3)
    display.end()
    assert said.getvalue().splitlines() == [
        "searching studies/wide",
        "space: learning_rate 1e-4..1e-2:log",
        "round 1: 1 to epoch 3",
        "round 2: 1 to epoch 3; best so far 61.00 % (trial 0: the recipe as shipped)",
    ]


def test_a_log_gets_a_line_every_ten_seconds_of_a_rung(tmp_path):
    said, clock = io.StringIO(), Clock()
    display = TuningDisplay(Console(file=said, width=200), clock)
    display.begin(Path("studies/wide"), [], 30)
    runs = {"trial 0": run(tmp_path / "0", []), "trial 1": run(tmp_path / "1", [])}
    display.race("round 1", runs, 0, 3)
    run(tmp_path / "0", [0.1, 0.2, 0.3])
    for clock.seconds in (4, 9, 12, 19, 23):
        display.tick()
    assert said.getvalue().splitlines() == [
        "round 1: 2 to epoch 3",
        "round 1: 1 of 2 at epoch 3, at most 1 min 48 s left",  # 3 of 30 epochs in 12 s
        "round 1: 1 of 2 at epoch 3, at most 3 min 27 s left",
    ]


@pytest.fixture
def display(monkeypatch):
    """On a terminal of 120 columns, whose pictures are asked for by hand."""
    clock = Clock()
    console = Console(file=io.StringIO(), width=120, force_terminal=True, color_system=None, legacy_windows=False)
    display = TuningDisplay(console, clock)

    def picture():
        console.file = io.StringIO()
        console.print(display._draw())
        return console.file.getvalue()

    yield display, clock, picture
    display.end()


def test_the_live_table_shows_who_is_under_way_and_the_time_left(display, tmp_path):
    table, clock, picture = display
    table.begin(Path("studies/wide"), [], 12)
    runs = {"trial 0": run(tmp_path / "0", [0.25]), "trial 1": run(tmp_path / "1", [])}
    table.race("round 1", runs, 0, 4)
    assert "reckoning the time left" in picture()
    run(tmp_path / "0", [0.25, 0.5, 0.75])
    clock.seconds = 20.0
    table.tick()
    shown = picture()
    assert "studies/wide" in shown
    assert "round 1" in shown
    assert "trial 0" in shown
    assert "epoch 3/4" in shown
    assert "75.00 %" in shown
    assert "trial 1" not in shown  # it waits
    # Two epochs since it was begun took 20 s; of 12, of which one was there before, 9 are left.
    assert "at most 1 min 30 s left" in shown
    table.judged("75.00 % (trial 0)", {"complete": 1, "pruned": 2, "failed": 0})
    assert "1 complete, 2 pruned" in picture()
    assert "failed" not in picture()
    assert "best so far 75.00 % (trial 0)" in picture()


def test_what_was_there_already_takes_no_time(display, tmp_path):
    table, clock, picture = display
    table.begin(Path("studies/wide"), [], 8)
    table.race("round 1", {"trial 0": run(tmp_path / "0", [0.1, 0.2, 0.3, 0.4])}, 0, 4)  # of an earlier command
    table.race("round 2", {"trial 1": run(tmp_path / "1", [0.1])}, 0, 4)
    clock.seconds = 60.0
    run(tmp_path / "1", [0.1, 0.2, 0.3])
    table.tick()
    assert "at most 30 s left" in picture()
