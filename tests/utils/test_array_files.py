import io
import zipfile

import numpy as np
import pytest

from cifarlab.utils.array_files import (
    BROKEN_ARCHIVE,
    array_lengths,
    map_array,
    open_archive,
    open_arrays,
    read_array,
    read_member,
)
from cifarlab.utils.limits import TooLargeError

ARRAYS: dict[str, np.ndarray] = {
    "numbers": np.arange(6, dtype=np.float32).reshape(2, 3),
    "columns first": np.asfortranarray(np.arange(6).reshape(2, 3)),
    "words": np.array(["a", "é"]),
    "one": np.array(3),
    "none": np.zeros((0, 4)),
}


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_are_read_as_numpy_reads_them(tmp_path, save):
    save(tmp_path / "a.npz", **ARRAYS)
    with open_arrays(tmp_path / "a.npz") as stored, np.load(tmp_path / "a.npz") as expected:
        assert list(stored) == expected.files
        assert "words" in stored
        assert "others" not in stored
        for name in stored:
            assert stored[name].dtype == expected[name].dtype
            assert np.array_equal(stored[name], expected[name])
        with pytest.raises(KeyError) as missing:
            stored["others"]
        assert str(missing.value) == "it has no array 'others'"


def test_lengths_are_known_before_anything_is_unpacked(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", **ARRAYS)
    assert array_lengths(tmp_path / "a.npz") == {"numbers": 2, "columns first": 2, "words": 2, "one": 1, "none": 0}


@pytest.mark.parametrize("name", ARRAYS)
def test_one_array_is_read_as_numpy_reads_it(tmp_path, name):
    np.save(tmp_path / "a.npy", ARRAYS[name])
    for read in (read_array, map_array) if ARRAYS[name].size else (read_array,):  # nothing cannot be mapped
        assert np.array_equal(read(tmp_path / "a.npy"), ARRAYS[name])


def test_python_objects_are_never_loaded(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{}], object))
    np.savez(tmp_path / "a.npz", a=np.array([{}], object))
    for read in (read_array, map_array):
        with pytest.raises(ValueError, match="Python objects"):
            read(tmp_path / "a.npy")
    with open_arrays(tmp_path / "a.npz") as stored, pytest.raises(ValueError, match="Python objects"):
        stored["a"]


def test_memory_is_taken_for_what_is_there_alone(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros(10))
    data = (tmp_path / "a.npy").read_bytes().replace(b"(10,), }             ", b"(12500000000,), }    ")
    (tmp_path / "a.npy").write_bytes(data)
    for read in (read_array, map_array):
        with pytest.raises(ValueError, match="announces an array of 100,000,000,000 bytes and holds 80"):
            read(tmp_path / "a.npy")
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("a.npy", data)
    with open_arrays(tmp_path / "a.npz") as stored, pytest.raises(ValueError, match="100,000,000,000"):
        stored["a"]


def test_what_unpacks_to_more_than_the_limit_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("CIFARLAB_MAX_MB", "1")
    np.savez_compressed(tmp_path / "a.npz", a=np.zeros(2**20))
    with pytest.raises(TooLargeError, match=r"announces 8\.0 MiB"), open_arrays(tmp_path / "a.npz"):
        pass
    np.savez(tmp_path / "b.npz", a=np.zeros(2**20))  # as large on the disk: the user has it, and may read it
    with open_arrays(tmp_path / "b.npz") as stored:
        assert len(stored["a"]) == 2**20


def test_a_changed_byte_is_seen(tmp_path):
    np.savez(tmp_path / "a.npz", a=np.zeros(1000))
    data = bytearray((tmp_path / "a.npz").read_bytes())
    data[5000] ^= 1
    (tmp_path / "a.npz").write_bytes(data)
    with open_arrays(tmp_path / "a.npz") as stored, pytest.raises(BROKEN_ARCHIVE, match="only part of it"):
        stored["a"]


@pytest.mark.parametrize("code", [0x110000, 0xFFFFFFFF, 0xD800])
def test_text_of_no_characters_is_refused(tmp_path, code):
    """Found by mutation: NumPy gives it, and Python raises SystemError when a word is looked at."""
    words = np.array([97, code], np.uint32).view("U1")
    np.savez(tmp_path / "a.npz", words=words)
    np.save(tmp_path / "a.npy", words)
    with open_arrays(tmp_path / "a.npz") as stored, pytest.raises(ValueError, match="no characters"):
        stored["words"]
    with pytest.raises(ValueError, match="no characters"):
        read_array(tmp_path / "a.npy")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda archive: archive.writestr(zipfile.ZipInfo("a.npy"), b"x", zipfile.ZIP_LZMA), "unknown method, 14"),
        (lambda archive: [archive.writestr("a.npy", b"x") for _ in range(2)], "twice"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_archives_that_numpy_does_not_write_are_refused(tmp_path, change, expected):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        change(archive)
    with pytest.raises(ValueError, match=expected), open_archive(tmp_path / "a.npz"):
        pass


def test_a_member_is_read_whole(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("text", "content")
    with open_archive(tmp_path / "a.zip") as archive:
        assert read_member(archive, "text") == b"content"
        with pytest.raises(KeyError):
            read_member(archive, "other")


@pytest.mark.parametrize("data", [b"", b"PK", b"\x93NUMPY", b"\x93NUMPY\x01\x00\xff\xff", io.BytesIO().getvalue()])
def test_whatever_is_wrong_is_one_of_the_kinds_that_readers_catch(tmp_path, data):
    (tmp_path / "a").write_bytes(data)
    for read in (read_array, map_array):
        with pytest.raises(BROKEN_ARCHIVE):
            read(tmp_path / "a")
    with pytest.raises(BROKEN_ARCHIVE), open_arrays(tmp_path / "a"):
        pass
