"""Files are whole or absent, whatever goes wrong while they are written."""

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from cifarlab.utils import files
from cifarlab.utils.errors import CifarlabError


def test_folders_are_made_and_nothing_else_is_left(tmp_path):
    path = files.write_text(tmp_path / "new" / "file.txt", "grün")
    assert path.read_bytes() == "grün".encode()
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), ValueError("bug"), KeyboardInterrupt()]
)
def test_what_was_there_stays_when_writing_breaks_off(error, tmp_path):
    path = files.write_text(tmp_path / "file.txt", "before")

    def write(file):
        file.write(b"half of it")
        raise error

    with pytest.raises(CifarlabError if isinstance(error, OSError) else type(error)):
        files.write_atomically(path, write)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_one_line():
    with pytest.raises(CifarlabError, match=r"cannot write /dev/full/x: .*choose another folder"):
        files.write_text(Path("/dev/full/x"), "text")


def test_csv_has_a_header_and_quotes_what_it_must(tmp_path):
    path = files.write_csv(tmp_path / "t.csv", [{"a": 1, "b": "x,y"}], ["a", "b"])
    assert path.read_text() == 'a,b\n1,"x,y"\n'


def test_nan_is_not_json(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        files.write_json(tmp_path / "x.json", {"loss": float("nan")})
    assert list(tmp_path.iterdir()) == []


def test_json_comes_back(tmp_path):
    value = {"a": [1, 2.5, None, "ü"]}
    assert files.read_json(files.write_json(tmp_path / "x.json", value)) == value


@pytest.mark.parametrize("content", [None, b"", b"{", b"\xff\xfe"])
def test_broken_json_is_one_line(content, tmp_path):
    path = tmp_path / "x.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CifarlabError, match="expected a JSON file") as raised:
        files.read_json(path)
    assert "\n" not in str(raised.value)


def test_checksums_are_the_published_ones(tmp_path):
    path = files.write_bytes(tmp_path / "abc", b"abc")
    assert files.checksum(path, "md5") == "900150983cd24fb0d6963f7d28e17f72"
    assert files.checksum(path, "sha256").startswith("ba7816bf8f01cfea")


def test_what_was_there_is_kept_under_another_name(tmp_path):
    path, before = tmp_path / "file", tmp_path / "before"
    for text in ("first", "second", "third"):
        files.write_atomically(path, lambda file, text=text: file.write(text.encode()), keep_as=before)
    assert (path.read_text(), before.read_text()) == ("third", "second")
    assert sorted(tmp_path.iterdir()) == [before, path]


def test_what_was_there_is_kept_where_a_file_cannot_have_two_names(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", refuse)
    test_what_was_there_is_kept_under_another_name(tmp_path)


def test_a_kill_between_keeping_and_replacing_costs_nothing(tmp_path):
    """Both names are one file then; the next time, renaming one to the other does nothing, and nothing is left."""
    path, before = files.write_text(tmp_path / "file", "first"), tmp_path / "before"
    os.link(path, before)
    files.write_atomically(path, lambda file: file.write(b"second"), keep_as=before)
    assert (path.read_text(), before.read_text()) == ("second", "first")
    assert sorted(tmp_path.iterdir()) == [before, path]


def test_files_and_their_folders_are_synced_in_the_right_order(tmp_path, monkeypatch):
    done = []
    sync, rename = os.fsync, Path.replace

    def note_sync(descriptor):
        done.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        sync(descriptor)

    def note_rename(path, to):
        done.append("rename")
        return rename(path, to)

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(Path, "replace", note_rename)
    files.write_text(tmp_path / "a" / "b" / "file", "text")
    assert done == ["folder", "folder", "file", "rename", "folder"]  # both new folders' names first


def test_a_folder_that_cannot_be_synced_is_none_the_worse(tmp_path, monkeypatch):
    sync = os.fsync

    def refuse_folders(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", refuse_folders)
    assert files.write_text(tmp_path / "file", "text").read_text() == "text"


def test_only_what_the_dead_left_is_removed(tmp_path):
    (tmp_path / "figures").mkdir()
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    theirs = files.partial_path(tmp_path / "a.json").name.replace(f"-{os.getpid()}-", f"-{ended.pid}-")
    left = [f".b.npz.{ended.pid}.partial", f"figures/{theirs}", ".partial-model.keras", theirs]
    kept = [files.partial_path(tmp_path / "mine").name, f".b.npz.{os.getpid()}.partial", "a.partial", ".a.partial"]
    for name in [*left, *kept]:
        (tmp_path / name).touch()
    assert sorted(path.relative_to(tmp_path).as_posix() for path in files.clear_partials(tmp_path)) == sorted(left)
    assert {path.name for path in tmp_path.iterdir()} == {*kept, "figures"}


def test_a_temporary_name_has_room_beside_the_longest_name(tmp_path):
    path = tmp_path / ("n" * 255)
    assert files.write_text(path, "text").read_text() == "text"


@pytest.mark.parametrize("folder", ["s3://bucket/runs", "gs://bucket", "file:///tmp/runs", Path("s3://bucket/runs")])
def test_an_address_is_no_folder(folder):
    with pytest.raises(CifarlabError, match="is an address, and no folder"):
        files.check_no_url(folder)


@pytest.mark.parametrize("folder", ["runs", "/shared/runs", "C:/runs", "a b/c:d", "."])
def test_a_path_is_no_address(folder):
    files.check_no_url(folder)
