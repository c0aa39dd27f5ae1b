"""Files are whole or absent, whatever goes wrong while they are written."""

import errno
import os
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


@pytest.mark.parametrize("folder", ["s3://bucket/runs", "gs://bucket", "file:///tmp/runs", Path("s3://bucket/runs")])
def test_an_address_is_no_folder(folder):
    with pytest.raises(CifarlabError, match="is an address, and no folder"):
        files.check_no_url(folder)


@pytest.mark.parametrize("folder", ["runs", "/shared/runs", "C:/runs", "a b/c:d", "."])
def test_a_path_is_no_address(folder):
    files.check_no_url(folder)
