"""What stands around a training fails: its clock, its folder, the places for temporary files and caches."""

import contextlib
import datetime
import errno
import os
import tempfile
import time

import numpy as np
import pytest
from PIL import Image

from cifarlab import CifarlabError, Recipe, open_run, training
from cifarlab.cli.main import main
from cifarlab.training import checkpoint_manager
from cifarlab.training.checkpoint import load_checkpoint

RECIPE = Recipe(model="mlp", model_args={"widths": (8,)}, data="digits", epochs=3, batch_size=400, warmup_epochs=0)
DAY = 86_400.0
OWN = """
import keras
def build(shape, classes):
    return keras.Sequential([keras.Input(shape), keras.layers.Flatten(), keras.layers.Dense(classes)])
"""
DATETIME = datetime.datetime


class After(training.Silent):
    """Does something to a run after an epoch."""

    def __init__(self, epoch, do):
        self._epoch, self._do, self.first_epoch = epoch, do, 0

    def start(self, recipe, run, steps_per_epoch, first_epoch, epochs):
        self._run, self.first_epoch = run, first_epoch

    def epoch(self, row, is_best):
        if row["epoch"] == self._epoch:
            self._do(self._run.path)


def is_same(run, other):
    one, two = load_checkpoint(run), load_checkpoint(other)
    return all(map(np.array_equal, [*one.values, *one.best], [*two.values, *two.best]))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return training.train(RECIPE, runs_dir=tmp_path_factory.mktemp("whole"), show=False)


@pytest.fixture
def each_epoch(monkeypatch):
    """A checkpoint is written after each epoch."""
    monkeypatch.setattr(checkpoint_manager, "CHECKPOINT_SECONDS", -1.0)
    monkeypatch.setattr(checkpoint_manager, "FREE_SECONDS", 1e9)


@pytest.fixture
def picture(tmp_path):
    Image.new("RGB", (32, 32), "red").save(tmp_path / "picture.png")
    return str(tmp_path / "picture.png")


@pytest.mark.usefixtures("each_epoch")
@pytest.mark.parametrize("what", ["run", "all runs"])
def test_a_folder_that_is_gone_for_a_while(whole, tmp_path, what):
    runs, away = tmp_path / "runs", tmp_path / "away"

    def unmount(path):
        (path if what == "run" else runs).rename(away)
        runs.mkdir(exist_ok=True)  # an empty mount point

    line = r"^.*runs/own is gone, .*: once it is back, cifarlab train --resume .*runs/own goes on from its last"
    with pytest.raises(CifarlabError, match=line):
        training.train(RECIPE, runs_dir=runs, name="own", show=After(2, unmount))
    assert list(runs.iterdir()) == []  # no half run in its place
    assert main(["train", "--resume", str(runs / "own")]) == 2  # it is not back yet
    assert list(runs.iterdir()) == []

    away.rename(runs / "own" if what == "run" else runs)
    watch = After(0, print)
    run = training.resume(open_run(runs / "own"), show=watch)
    assert watch.first_epoch == 3
    assert is_same(run, whole)
    assert list(run.path.rglob(".*.partial")) == []


def test_the_clock_is_set_back_in_training_and_before_it_goes_on(whole, tmp_path, monkeypatch):
    real, days = time.time, [0]
    monkeypatch.setattr(time, "time", lambda: real() - DAY * days[0])

    def set_back(_):
        days[0] += 1

    run = training.train(RECIPE, runs_dir=tmp_path, show=After(1, set_back), until=2, max_seconds=3600)
    set_back(run)
    run = training.resume(run, show=False, max_seconds=3600)
    assert run.state["state"] == "finished"
    assert is_same(run, whole)
    assert all(0 < row["epoch_seconds"] < 3600 for row in run.history())
    assert run.environment["training_seconds"] > 0


def test_no_look_is_lost_where_the_clock_is_set_back(whole, monkeypatch):
    class Yesterday(DATETIME):
        @classmethod
        def now(cls, zone=None):
            return DATETIME.now(zone).replace(year=2001)

    monkeypatch.setattr("cifarlab.runs.run.datetime.datetime", Yesterday)
    assert [whole.record_look("test", "here") for _ in range(2)] == [1, 2]


@pytest.fixture(params=["gone", "full"])
def without_temporary_files(request, tmp_path, monkeypatch):
    """What must be entered: pytest needs a place for them itself."""

    def refuse(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    @contextlib.contextmanager
    def entered():
        with monkeypatch.context() as patch:
            if request.param == "gone":
                patch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
            for name in ("mkdtemp", "TemporaryFile") if request.param == "full" else ():
                patch.setattr(tempfile, name, refuse)
            yield

    return entered


def test_no_place_for_temporary_files(whole, tmp_path, picture, undrawn, capfd, without_temporary_files):
    with without_temporary_files():
        assert main(["predict", picture, "--model", str(whole.path)]) == 0
        assert main(["predict", picture]) == 0
        assert main(["evaluate", str(whole.path), "--split", "test"]) == 0
        assert main(["report", str(whole.path)]) == 0
        assert main(["export", str(whole.path), "--output", str(tmp_path / "made")]) == 2
    said = capfd.readouterr()
    assert "picture.png" in said.out
    assert said.err.strip().splitlines()[-1].startswith("cifarlab: cannot write temporary files")


def test_no_place_for_temporary_files_while_a_model_is_saved(whole, tmp_path, without_temporary_files):
    with (
        pytest.raises(CifarlabError, match=r"^cannot write temporary files.*free some space"),
        without_temporary_files(),
    ):
        training.train(RECIPE, runs_dir=tmp_path, name="own", show=False)
    assert is_same(training.resume(tmp_path / "own", show=False), whole)


def test_no_place_for_temporary_files_is_no_fault_of_an_own_model(tmp_path, capsys, without_temporary_files):
    own = tmp_path / "own.py"
    own.write_text(OWN)
    words = ["train", "smoke", "--data", "digits", "--set", f"model={own}", "--runs-dir", str(tmp_path / "runs")]
    with without_temporary_files():
        assert main(words) == 2
    assert capsys.readouterr().err.startswith("cifarlab: cannot write temporary files")
    assert not (tmp_path / "runs").exists()


def test_no_home_and_no_cache(tmp_path, monkeypatch, picture, capfd):
    (tmp_path / "file").write_text("")  # nothing can be made below a file, by root neither
    for name in ("HOME", "XDG_CACHE_HOME", "KERAS_HOME", "MPLCONFIGDIR"):
        monkeypatch.setenv(name, str(tmp_path / "file" / name))
    run = training.train(RECIPE, runs_dir=tmp_path / "runs", name="own", show=False, until=1)
    assert main(["predict", picture, "--model", str(run.path)]) == 0
    assert main(["predict", picture]) == 0
    assert capfd.readouterr().err == ""
