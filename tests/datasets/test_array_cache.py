import os

import numpy as np
import pytest

from cifarlab.datasets._array_cache import cached_arrays


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "source"
    path.write_bytes(b"\x01\x02\x03")
    return path


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def load(source):
    """Loads through the cache; `load.reads` counts how often the source itself was read."""

    def load(expected="md5:1"):
        return cached_arrays("made", [source], {"source": expected}, read)["values"].tolist()

    def read():
        load.reads += 1  # type: ignore[attr-defined]
        return {"values": np.frombuffer(source.read_bytes(), np.uint8)}

    load.reads = 0  # type: ignore[attr-defined]
    return load


def test_the_second_load_does_not_read_the_source(cache, load):
    assert load() == load() == [1, 2, 3]
    assert load.reads == 1


def test_a_changed_source_is_read_again_even_where_size_and_time_are_the_same(cache, load, source):
    load()
    before = source.stat()
    source.write_bytes(b"\x01\x02\x04")
    os.utime(source, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert load() == [1, 2, 4]


def test_other_checksums_are_another_question(cache, load):
    load("md5:1")
    load("md5:2")
    assert load.reads == 2


@pytest.mark.parametrize("name", ["values.npy", "index.json"])
@pytest.mark.parametrize("damage", [lambda data: data[:-2], lambda data: data[:-1] + b"\x07", lambda data: b""])
def test_a_damaged_cache_is_noticed_and_mended(cache, load, name, damage):
    load()
    (path,) = cache.rglob(name)
    path.write_bytes(damage(path.read_bytes()))
    assert load() == load() == [1, 2, 3]
    assert load.reads == 2


def test_a_cache_that_cannot_be_written_breaks_nothing(tmp_path, load, monkeypatch):
    blocked = tmp_path / "file"
    blocked.touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    assert load() == load() == [1, 2, 3]
    assert load.reads == 2


def test_without_a_home_there_is_no_cache(load, monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr("pathlib.Path.home", lambda: (_ for _ in ()).throw(RuntimeError("no home")))
    assert load() == [1, 2, 3]
