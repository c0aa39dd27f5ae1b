"""`cifarlab ladder`: its table, and what it refuses."""

import json
import re

import pytest
from rich.console import Console

from cifarlab.cli import main as cli
from cifarlab.cli.tables import ladder
from cifarlab.evaluation.ladder.description import Ladder, MeasuredRung
from cifarlab.evaluation.ladder.measurements import Summary
from cifarlab.metrics.statistics.intervals import Interval

RUNGS = ("dense1.py", "dense2.py", "dense3.py", "dense_taught.py")


def test_the_table_of_own_runs(make_run, capsys):
    for seed, accuracy in enumerate((0.50, 0.52, 0.51)):
        make_run("dense1.py", seed, accuracy)
    make_run("dense2.py", 0, 0.6, training_seconds=200.0)
    waiting = make_run("dense_taught.py", 0, None)
    assert cli.main(["ladder", *RUNGS, "--runs-dir", "runs"]) == 0
    out = capsys.readouterr().out
    assert "51.00 ± 1.00 % (3 seeds)" in out
    assert "60.00 % (56.93 to 62.99, 1 run)" in out
    assert "+9.00" in out
    assert "3 min 20 s" in out
    assert "24,714" in out
    assert "(does not count" in out
    assert "dense2 against dense1: model.widths (8,) → (16,), epochs 3 → 5." in out
    assert "dense_taught does not count for the record, because a convolutional network taught it." in out
    assert "dense3 is not measured here: cifarlab train dense3.py && cifarlab evaluate runs/dense3-seed*" in out
    assert "dense3: Expect nothing of it." in out
    assert f"waits for cifarlab evaluate {waiting.path.relative_to(waiting.path.parents[1])}" in out
    assert "Trained on a processor, 2 cores, tensorflow, float32." in out


def test_json_and_the_figures_files(make_run, capsys):
    make_run("dense1.py", 0, 0.5)
    assert cli.main(["ladder", *RUNGS, "--output", "out", "--json"]) == 0
    described = json.loads(capsys.readouterr().out)
    assert described["files"] == ["out/ladder.svg", "out/ladder.png", "out/ladder.csv"]
    assert [rung["name"] for rung in described["rungs"]] == ["dense1", "dense2", "dense3", "dense_taught"]


def test_the_share_of_the_limit_and_the_machine_are_told(capsys):
    result = Summary(
        data="cifar10", accuracy=Interval(0.7, 0.69, 0.71, ""), standard_deviation=0.002, seeds=[0, 1],
        accuracies=[0.698, 0.702], images=10_000, looks=[1, 1], training_seconds=4000.0, parameters=12_345_678,
        petaflop=1.234, gigaflop_per_second=400.0, limit_gigaflop_per_second=780.4, share_of_limit=0.512,
        precision="bfloat16", gain=Interval(-0.01, -0.02, 0.001, ""),
        machine={"processor": "P", "cores": 16, "accelerators": ["gpu:0"], "backend": "jax", "devices": ["G"]},
    )  # fmt: skip
    ladder.print_ladder(Ladder(1, [], [MeasuredRung("dense1", "T", "", "", None, [], [], result, None, [])]))
    out = capsys.readouterr().out
    assert "70.00 ± 0.20 % (2 seeds)" in out
    assert "−1.00 (−2.00 to +0.10)" in out  # noqa: RUF001
    assert "1 h 06 min" in out
    assert "1.23" in out
    assert "51 %" in out
    assert "10,000 test images of cifar10; mean ± standard deviation of the seeds; Welch's" in out
    assert "Trained on G, P, 16 cores, jax, bfloat16; limit: its fastest matrix product then, 780 GFLOP/s." in out


def test_two_machines_are_told_apart_and_not_compared(make_run, capsys):
    make_run("dense1.py", 0, 0.5)
    make_run("dense2.py", 0, 0.6, machine={"processor": "Q", "cores": 4, "accelerators": [], "backend": "jax"})
    assert cli.main(["ladder", *RUNGS]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "dense1 (yours): trained on a processor, 2 cores, tensorflow, float32." in lines
    assert "dense2 (yours): trained on Q, 4 cores, jax, float32." in lines
    assert lines[-1] == "Training times, and shares of limits, compare only where those are the same."


def test_a_narrow_terminal_shows_every_column_and_the_titles_beneath(make_run, monkeypatch, capsys):
    make_run("dense1.py", 0, 0.5)
    monkeypatch.setattr(ladder, "make_console", lambda: Console(width=100))
    assert cli.main(["ladder", "dense1.py"]) == 0
    lines = capsys.readouterr().out.splitlines()
    titles = ["rung", "accuracy", "gain, points", "training", "parameters", "PFLOP", "of the limit"]
    assert re.split(r"\s{2,}", lines[0].strip()) == titles
    assert [line.strip() for line in lines if line.strip() in ("46.91 to 53.09", "1 run")] == [
        "46.91 to 53.09",
        "1 run",
    ]
    assert "dense1: A plain dense network." in lines


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["ladder", "dense9.py"], "no file dense9.py"),
        (["ladder", "mpl1"], "did you mean mlp1"),
        (["ladder", "dense1.py", "dense1.py"], "two rungs have the name dense1"),
        (["ladder", "dense1.py", "--runs-dir", "elsewhere"], "no folder elsewhere"),
        (["ladder", "dense1.py", "--output", "out"], "nothing to draw"),
        (["ladder", "dense1.py", "--output", "dense2.py"], "dense2.py is no folder"),
    ],
)
def test_bad_input_is_one_line(words, expected, folder, capsys):
    assert cli.main(words) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("cifarlab: ")
    assert captured.err.count("\n") == 1
    assert expected in captured.err
    assert not (folder / "out").exists()
