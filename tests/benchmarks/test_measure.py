import re
from pathlib import Path

import numpy as np
import pytest
from scipy import stats


def test_the_interval_is_students_t():
    from _measure import mean_interval

    values = [0.9401, 0.9389, 0.9412, 0.9396]
    expected = stats.t.interval(0.95, len(values) - 1, np.mean(values), stats.sem(values))
    mean, low, high = mean_interval(values)
    assert mean == pytest.approx(0.93995)
    assert (low, high) == pytest.approx(expected)
    assert mean_interval([0.94]) == (0.94, None, None)
    assert mean_interval([0.1, 0.9])[1:] == (0.0, 1.0)


def test_ratios_are_of_the_medians_and_range_over_rounds():
    from _measure import ratios, spread

    assert ratios([2.0, 3.0, 4.0], [4.0, 4.0, 16.0]) == {"ratio": 0.75, "min": 0.25, "max": 0.75}
    assert spread([3.0, 1.0, 2.0]) == {"median": 2.0, "min": 1.0, "max": 3.0}
    with pytest.raises(ValueError, match="shorter"):
        ratios([1.0, 2.0], [1.0])


def test_a_contestants_line_compares_ours_with_it_and_not_with_ourselves():
    from _measure import compare_rates

    rates = {"ours": [2.0, 3.0, 4.0], "a peer": [1.0, 1.0, 2.0]}
    name = f"  {'ours':32s}{'3':>10s}"
    assert compare_rates("ours", rates, "ours", "images", "9 ms a call") == f"{name} images/s (2 to 4), 9 ms a call"
    assert compare_rates("a peer", rates, "ours", "images", "9 ms a call").endswith(
        "1 images/s (1 to 2), 9 ms a call; cifarlab 3.00 times as many (2.00 to 3.00)"
    )


def test_contestants_take_turns(capsys):
    from _measure import in_turn

    order = []
    results = in_turn({name: lambda name=name: order.append(name) or len(order) for name in "AB"}, 3)
    assert order == ["A", "B"] * 3
    assert results == {"A": [1, 3, 5], "B": [2, 4, 6]}
    assert "round 3/3: B" in capsys.readouterr().err


def test_runs_are_dealt_to_rounds():
    from time_to_accuracy import shares

    assert shares(3, 3) == [[0], [1], [2]]
    assert shares(10, 3) == [[0, 1, 2, 3], [4, 5, 6], [7, 8, 9]]
    assert shares(2, 5) == [[0], [1]]


def test_every_benchmark_says_which_machine_it_measured(monkeypatch, capsys):
    import argparse

    from _measure import begin, describe_machine

    folder = Path(describe_machine.__code__.co_filename).parent
    sources = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("[a-z]*.py")}
    programs = {name: source for name, source in sources.items() if "ArgumentParser" in source}
    assert len(programs) > 30
    silent = [
        name for name, source in programs.items() if not re.search(r"begin\(parser\)|describe_machine\(\)", source)
    ]
    assert silent == []
    monkeypatch.setattr("sys.argv", ["a benchmark"])
    begin(argparse.ArgumentParser())
    assert re.search(r"core", capsys.readouterr().out)
