"""`cifarlab train --max-seconds` and `--resume latest`."""

import json
import os
import time

import pytest

from cifarlab.cli import main as cli
from cifarlab.cli.training import find_latest
from cifarlab.runs import create_run, open_run
from cifarlab.utils.errors import CifarlabError


def test_a_pause_has_a_code_of_its_own_and_says_how_to_go_on(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["train", "smoke", "--set", "model.widths=(8,)", "--seeds", "2", "--max-seconds", "0.000001"]
    assert cli.main(words) == 75
    said = capsys.readouterr()
    assert said.err.splitlines()[-1] == (
        "cifarlab: out of time: runs/smoke-seed0 is paused after epoch 0 of 3: go on with cifarlab train --resume "
        "runs/smoke-seed0; 1 training not begun"
    )
    assert cli.main(["train", "--resume", "latest"]) == 0
    assert "had no checkpoint yet and begins again" in capsys.readouterr().err
    assert open_run("runs/smoke-seed0").state["state"] == "finished"
    assert cli.main(["train", "--resume", "latest"]) == 2
    assert capsys.readouterr().err == ("cifarlab: no run in runs can be resumed: all are finished or being trained\n")


def test_a_pause_within_the_first_epoch_is_told_as_json_too(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["train", "smoke", "--set", "model.widths=(8,)", "--max-seconds", "0.000001", "--json"]) == 75
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["state"], row["epochs"], row["best_epoch"], row["training_seconds"]) == ("stopped", 0, None, None)


@pytest.fixture
def runs(tmp_path):
    """Four, each a minute younger than the one before."""
    states = ("stopped", "failed", "finished", "running")
    for minute, state in enumerate(states):
        run = create_run(tmp_path, state)
        for file in (run.recipe_file, run.data_file, run.environment_file):
            file.write_text("{}")
        run.set_state(state)
        os.utime(run.state_file, (minute * 60, minute * 60))
    return tmp_path


def test_the_latest_is_the_youngest_that_can_go_on(runs):
    assert find_latest(runs).name == "running"  # by this process, which asks: it trains nothing
    (runs / "running" / "recipe.json").unlink()  # a folder that cannot be opened
    assert find_latest(runs).name == "failed"
    create_run(runs, "half-made")
    assert find_latest(runs).name == "failed"


def test_which_is_the_latest_cannot_be_told_by_a_clock_that_was_set_back(runs):
    tomorrow = time.time() + 86_400
    os.utime(runs / "failed" / "run.json", (tomorrow, tomorrow))
    with pytest.raises(CifarlabError, match=r"cannot be told: .*failed was changed in the future.*; name the run"):
        find_latest(runs)
    for name in ("stopped", "running"):
        (runs / name / "run.json").unlink()
    assert find_latest(runs).name == "failed"  # the only one


def test_where_nothing_can_go_on_that_is_said(tmp_path):
    with pytest.raises(CifarlabError, match=r"no run in .* can be resumed"):
        find_latest(tmp_path / "nowhere")
