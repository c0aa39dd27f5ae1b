import os
import time

import numpy as np
import pytest
from PIL import Image

from cifarlab.datasets import _picture_cache
from cifarlab.datasets._picture_cache import read_folder
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.images import read_each

AN_HOUR = 3600 * 10**9


@pytest.fixture
def paths(tmp_path, monkeypatch):
    """Three small pictures, with the cache in use, and the clock an hour on, when their times are trusted."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(_picture_cache, "_FEWEST", 1)
    now = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: now() + AN_HOUR)
    (tmp_path / "set").mkdir()
    made = [tmp_path / "set" / f"{value}.bmp" for value in range(3)]
    for value, path in enumerate(made):
        Image.new("RGB", (8, 8), (value, 0, 0)).save(path)
    return made


@pytest.fixture
def read(paths, monkeypatch):
    """Reads the folder; returns the red of each picture and which files were opened."""
    original = read_each

    def read(some=paths):
        opened = []
        monkeypatch.setattr(
            _picture_cache, "read_each", lambda some, *rest: opened.extend(some) or original(some, *rest)
        )
        table = read_folder(paths[0].parent, some)
        return table["images"][:, 0, 0, 0].tolist(), [path.name for path in opened]

    return read


def test_only_new_and_changed_files_are_read_again(paths, read):
    assert read() == ([0, 1, 2], ["0.bmp", "1.bmp", "2.bmp"])
    assert read() == ([0, 1, 2], [])
    before = paths[1].stat()
    Image.new("RGB", (8, 8), (77, 0, 0)).save(paths[1])
    assert paths[1].stat().st_size == before.st_size
    os.utime(paths[1], ns=(before.st_atime_ns, before.st_mtime_ns))
    new = paths[0].with_name("00.bmp")
    Image.new("RGB", (8, 8), (99, 0, 0)).save(new)
    assert read([paths[0], new, paths[1]]) == ([0, 99, 77], ["00.bmp", "1.bmp"])


def test_all_columns_come_back(paths):
    first, second = read_folder(paths[0].parent, paths), read_folder(paths[0].parent, paths)
    assert first.keys() == second.keys()
    for name, column in first.items():
        np.testing.assert_array_equal(column, second[name])


def test_each_size_is_kept_for_itself(paths, read):
    read()
    assert read_folder(paths[0].parent, paths, size_pixels=16)["images"].shape == (3, 16, 16, 3)
    assert read()[1] == []


def test_another_reader_reads_again(read, monkeypatch):
    read()
    monkeypatch.setattr(_picture_cache, "READER", -1)
    assert len(read()[1]) == 3


def test_a_file_changed_a_moment_ago_is_not_trusted(read, monkeypatch):
    now = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: now() - AN_HOUR)
    read()
    assert len(read()[1]) == 3


def test_good_pictures_beside_a_bad_one_are_kept(paths, read):
    whole = paths[1].read_bytes()
    paths[1].write_bytes(b"text")
    with pytest.raises(CifarlabError, match=r"1\.bmp"):
        read()
    paths[1].write_bytes(whole)
    assert read() == ([0, 1, 2], ["1.bmp"])


def test_a_cache_that_cannot_be_written_breaks_nothing(tmp_path, read, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert read()[0] == read()[0] == [0, 1, 2]
