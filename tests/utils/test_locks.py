"""Locks between real processes."""

import contextlib
import json
import subprocess
import sys

import pytest

from cifarlab.utils import files, locks
from cifarlab.utils.errors import CifarlabError

HOLD = """
import sys
from pathlib import Path
from cifarlab.utils import locks
with locks.hold(Path(sys.argv[1]), "it is held", "wait"):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextlib.contextmanager
def held(path):
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        yield holder
        holder.kill()


def test_a_second_one_is_refused_with_the_name_of_the_first(tmp_path):
    path = tmp_path / ".lock"
    with held(path) as holder:
        assert locks.is_held(path)
        expected = rf"^it is held by process {holder.pid} on .*: wait$"
        with pytest.raises(locks.BusyError, match=expected), locks.hold(path, "it is held", "wait"):
            pytest.fail("two at once")
    assert not locks.is_held(path)
    with locks.hold(path, "it is held", "wait"):  # the first was killed, and its note is still there
        assert locks.is_held(path)
    assert not path.with_name(".lock.owner").exists()


def test_who_waits_gets_it(tmp_path):
    path = tmp_path / ".lock"
    with held(path) as holder:
        holder.stdin.close()  # it ends by itself
        with locks.hold(path, "it is held", "wait", seconds=60.0):
            pass


@pytest.mark.parametrize("note", ["", "[", "7", "[]", '{"process": "x"}', "[" * 100_000])
def test_a_damaged_note_names_nobody(tmp_path, note):
    path = tmp_path / ".lock"
    with held(path):
        path.with_name(".lock.owner").write_text(note)
        with pytest.raises(locks.BusyError, match="held by another process: wait"), locks.hold(path, "held", "wait"):
            pytest.fail("two at once")


def test_a_note_that_is_a_link_leads_nowhere(tmp_path):
    precious = tmp_path / "precious"
    precious.write_text("mine")
    path = tmp_path / ".lock"
    path.with_name(".lock.owner").symlink_to(precious)
    with locks.hold(path, "it is held", "wait"):
        assert precious.read_text() == "mine"
    assert precious.read_text() == "mine"


def test_a_lock_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")  # where a folder would have to be
    path = tmp_path / "file" / ".lock"
    with pytest.raises(CifarlabError, match=r"cannot lock .*choose another folder"), locks.hold(path, "held", "wait"):
        pytest.fail("it is held")


LOOK = """
import sys
from cifarlab.runs import open_run
for _ in range(15):
    open_run(sys.argv[1]).record_look("test", "evaluate")
"""


def test_of_four_who_look_at_once_no_look_is_lost(tmp_path, make_run):
    run = make_run(tmp_path, "run")
    before = len(run.looks())
    command = [sys.executable, "-c", LOOK, str(run.path)]
    writers = [subprocess.Popen(command) for _ in range(4)]
    assert [writer.wait() for writer in writers] == [0] * 4
    assert len(run.looks()) - before == 60
    assert json.loads(run.looks_file.read_text())


def test_a_folder_that_is_gone_is_not_made_anew(tmp_path):
    """As a network folder may be for a while: half a folder would be in its way when it is back."""
    folder = tmp_path / "folder"
    line = r"cannot lock .*: its folder is gone; see that it is there"
    with pytest.raises(CifarlabError, match=line), locks.hold(folder / ".lock", "it is held", "wait"):
        pytest.fail("held without a folder")
    folder.mkdir()
    with locks.hold(folder / ".lock", "it is held", "wait"):
        with locks.hold(folder / ".other.lock", "it is held", "wait"):
            files.write_text(folder / "inner" / "file", "")
        folder.rename(tmp_path / "away")
        for name in ("file", "inner/file"):
            with pytest.raises(
                CifarlabError, match=r"cannot write .*: its folder is gone; see that the folder is there"
            ):
                files.write_text(folder / name, "")
        assert not folder.exists()
    files.write_text(folder / "file", "")  # nobody holds it any more
