"""Runs: never overwritten, refused with a reason when they are not whole, and the only keeper of file names."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cifarlab.recipes import Recipe, to_dict
from cifarlab.runs import Run, create_run, open_run, training_seconds
from cifarlab.utils import files
from cifarlab.utils.errors import CifarlabError

RECIPE = Recipe(model="mlp", model_args={"widths": (32,)}, seed=3)


@pytest.fixture
def run(tmp_path) -> Run:
    made = create_run(tmp_path, "made")
    made.set_state("finished")
    made.recipe_file.write_text(json.dumps(to_dict(RECIPE)))
    made.data_file.write_text('{"name": "digits"}')
    made.environment_file.write_text("{}")
    return made


def test_runs_are_never_overwritten(tmp_path):
    names = [create_run(tmp_path / "runs", "mlp").name for _ in range(3)]
    assert names == ["mlp", "mlp-2", "mlp-3"]


def test_runs_made_at_once_get_different_folders(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        runs = list(pool.map(lambda _: create_run(tmp_path, "mlp"), range(32)))
    assert len({run.name for run in runs}) == 32


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "-x", "a b", "ä", "x\n"])
def test_a_name_that_is_no_folder_name_is_refused(name, tmp_path):
    with pytest.raises(CifarlabError, match="letters, digits"):
        create_run(tmp_path, name)
    assert list(tmp_path.iterdir()) == []


def test_an_address_is_no_folder_of_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CifarlabError, match="is an address, and no folder"):
        create_run(Path("s3://bucket/runs"), "mlp")
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_way_is_one_line(tmp_path):
    (tmp_path / "runs").write_text("")
    with pytest.raises(CifarlabError, match="--runs-dir"):
        create_run(tmp_path / "runs", "mlp")
    with pytest.raises(CifarlabError, match="--runs-dir"):
        create_run(tmp_path / "runs" / "below", "mlp")


def test_opening_gives_back_the_recipe(run):
    assert open_run(run.path).recipe == RECIPE
    assert open_run(str(run.path)) == run


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (lambda run: run.state_file.unlink(), "not a run"),
        (lambda run: run.state_file.write_text("{"), "cannot read"),
        (
            lambda run: run.state_file.write_text('{"format": 2, "cifarlab": "7.0"}'),
            "is of format 2, written by cifarlab 7.0; .*update it",
        ),
        (lambda run: run.state_file.write_text("[]"), "format None"),
        (lambda run: run.recipe_file.unlink(), "lacks recipe.json; train it again"),
        (
            lambda run: (run.set_state("stopped"), run.data_file.unlink(), run.checkpoint_file.touch()),
            "continue it with cifarlab train --resume",
        ),
    ],
)
def test_a_folder_that_is_no_whole_run_is_refused(spoil, expected, run):
    spoil(run)
    with pytest.raises(CifarlabError, match=expected):
        open_run(run.path)


def test_a_misspelt_run_is_answered_with_the_nearest(tmp_path):
    for name in ("mlp1-fold0-seed0", "smoke-seed0"):
        create_run(tmp_path, name).set_state("finished")
    with pytest.raises(CifarlabError, match=r"no run at .*mlp1-fold0: did you mean mlp1-fold0-seed0\? expected"):
        open_run(tmp_path / "mlp1-fold0")
    with pytest.raises(CifarlabError, match=r"no run at \S+x: expected a folder"):
        open_run(tmp_path / "x")
    with pytest.raises(CifarlabError, match=r"no run at \S+: expected a folder"):
        open_run(tmp_path / "nowhere" / "smoke-seed0")


def test_a_run_without_a_model_opens_only_where_none_is_needed(run):
    open_run(run.path)
    with pytest.raises(CifarlabError, match=r"lacks model\.keras"):
        open_run(run.path, needs_model=True)


def test_the_state_remembers_when_it_began(run):
    began = run.state["started"]
    run.set_state("failed", "loss became nan")
    assert (run.state["state"], run.state["why"], run.state["started"]) == ("failed", "loss became nan", began)
    with pytest.raises(ValueError, match="state must be one of"):
        run.set_state("done")


def test_history_is_numbers_and_replaced_whole(run):
    assert run.history() == []
    rows = [{"epoch": 1, "train_loss": 2.25}, {"epoch": 2, "train_loss": 1e-07}]
    run.write_history(rows[:1])
    run.write_history(rows)
    assert run.history() == rows


def test_every_look_is_counted_by_split(run):
    looks = [run.record_look(split, "evaluate") for split in ("test", "validation", "test")]
    assert looks == [1, 1, 2]
    assert [look["split"] for look in run.looks()] == ["test", "validation", "test"]


def test_scores_that_are_not_there_are_one_line(run):
    with pytest.raises(CifarlabError, match=rf"has no scores on test \(.*run cifarlab evaluate {run.path}$"):
        run.scores("test")
    with pytest.raises(
        CifarlabError, match=r"no scores on validation with TTA flip \(.*made --split validation --tta flip$"
    ):
        run.scores("validation", "flip")
    with pytest.raises(CifarlabError, match=r"no predictions on validation \(.*made --split validation$"):
        run.stored_predictions_file("validation")


def test_a_recipe_of_another_version_is_named(run):
    run.recipe_file.write_text(json.dumps({**to_dict(RECIPE), "flip": True}))
    with pytest.raises(
        CifarlabError, match=r"recipe\.json is no recipe of this version .*: flip .*; train the run again"
    ):
        _ = run.recipe


def test_training_time_is_what_was_noted_or_the_epochs_sum():
    epochs = [{"epoch": 1.0, "epoch_seconds": 2.0}, {"epoch": 2.0, "epoch_seconds": 1.5}]
    assert training_seconds({"training_seconds": 3.0}, epochs) == 3
    assert training_seconds({}, epochs) == 3.5
    assert training_seconds({}, [{"epoch": 1.0}]) is None


def test_a_run_is_being_trained_while_its_process_lives(tmp_path):
    run = create_run(tmp_path, "one")
    run.set_state("running")
    assert not run.is_being_trained()  # this process itself
    state = run.state
    parent = {**state, "process": os.getppid(), "process_started": None}  # as earlier versions noted it
    files.write_json(run.state_file, parent)
    assert run.is_being_trained()
    files.write_json(run.state_file, {**parent, "process_started": 1})  # its number is used again by another
    assert not run.is_being_trained()
    files.write_json(run.state_file, {**parent, "boot": "before the machine was started anew"})
    assert not run.is_being_trained()
    files.write_json(run.state_file, {**parent, "host": "elsewhere"})
    assert not run.is_being_trained()
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    files.write_json(run.state_file, {**state, "process": ended.pid})
    assert not run.is_being_trained()


@pytest.mark.parametrize("content", ["null", "[1]", "{", '{"format": 1}', ""])
@pytest.mark.parametrize("name", ["run.json", "recipe.json", "data.json", "environment.json", "history.csv"])
def test_a_damaged_file_is_one_clear_line(run, name, content):
    """Whatever a file holds, the reader gets a CifarlabError, never a traceback."""
    run.history_file.write_text("epoch,train_loss\n1,0.5\n")
    (run.path / name).write_text("epoch\nabc\n" if name == "history.csv" else content)
    if (name, content) == ("environment.json", '{"format": 1}'):
        assert open_run(run.path).environment == {"format": 1}
        return
    with pytest.raises(CifarlabError) as caught:
        _read_everything(open_run(run.path))
    assert "\n" not in str(caught.value)


def _read_everything(run: Run):
    return run.state, run.recipe, run.data, run.environment, run.history()


HOLD = """
import sys
from pathlib import Path
from cifarlab.runs import Run
with Run(Path(sys.argv[1])).owned():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_run_has_one_owner_until_its_process_ends_however(tmp_path):
    run = create_run(tmp_path, "run")
    command = [sys.executable, "-c", HOLD, str(run.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        with (
            pytest.raises(
                CifarlabError, match=rf"is being trained by process {holder.pid} on .*: wait for it, or stop it"
            ),
            run.owned(),
        ):
            pytest.fail("two owners")
        holder.kill()
        holder.wait()
        with run.owned():
            pass
