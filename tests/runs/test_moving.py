"""A run's folder under another name, in the bin, and back."""

import datetime

import pytest

from cifarlab.runs import create_run
from cifarlab.runs.moving import BIN, bin_run, binned, rename_run, restore_run
from cifarlab.utils.errors import CifarlabError

MOMENT = datetime.datetime(2026, 11, 30, 12, 5, 7, tzinfo=datetime.UTC)


@pytest.fixture
def run(tmp_path):
    made = create_run(tmp_path / "runs", "first")
    made.set_state("finished")
    return made


def test_a_run_goes_into_the_bin_and_comes_back_whole(run):
    runs_dir, before = run.path.parent, run.state
    entry = bin_run(run, MOMENT)
    assert not run.path.exists()
    assert binned(runs_dir) == {entry: ("first", "2026-11-30T12:05:07+00:00")}
    assert (runs_dir / BIN / entry / "run.json").is_file()
    again = restore_run(runs_dir, entry)
    assert (again.path, again.state) == (run.path, before)
    assert binned(runs_dir) == {}
    assert list(again.path.glob("*.owner")) == []


def test_two_runs_of_one_name_lie_in_the_bin_beside_each_other(run):
    runs_dir = run.path.parent
    first = bin_run(run, MOMENT)
    create_run(runs_dir, "first").set_state("finished")
    second = bin_run(run, MOMENT + datetime.timedelta(seconds=1))
    assert list(binned(runs_dir)) == [second, first]
    restore_run(runs_dir, first)
    with pytest.raises(CifarlabError, match="is there already"):
        restore_run(runs_dir, second)
    assert list(binned(runs_dir)) == [second]


def test_a_run_that_is_trained_or_changed_stays(run):
    with run.owned(), pytest.raises(CifarlabError, match="is being trained"):
        bin_run(run)
    with run.owned(), pytest.raises(CifarlabError, match="is being trained"):
        rename_run(run, "second")
    assert run.path.is_dir()


def test_another_name(run):
    create_run(run.path.parent, "taken")
    for name in ("../outside", "", ".hidden", "a/b", "a~b"):
        with pytest.raises(CifarlabError, match="made of letters"):
            rename_run(run, name)
    with pytest.raises(CifarlabError, match="is there already"):
        rename_run(run, "Taken")
    renamed = rename_run(run, "second")
    assert renamed.path == run.path.with_name("second")
    assert renamed.state["state"] == "finished"
    assert not run.path.exists()


def test_only_what_is_in_the_bin_comes_out_of_it(run):
    runs_dir = run.path.parent
    (runs_dir / BIN / "no-time").mkdir(parents=True)
    for entry in ("no-time", "../first", "nothing~20261130T120507Z", ""):
        with pytest.raises(CifarlabError, match="there is no"):
            restore_run(runs_dir, entry)
    assert binned(runs_dir) == {}
