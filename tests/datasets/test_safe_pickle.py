import os
import pickle

import numpy as np
import pytest

from cifarlab.datasets._safe_pickle import read_pickle
from cifarlab.utils.errors import CifarlabError


class Attack:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", range(2, 6))
@pytest.mark.parametrize("function", [os.system, eval, exec, np.load, np.fromfile, getattr, open])
def test_a_pickle_that_calls_something_is_refused_and_not_run(tmp_path, protocol, function):
    mark = tmp_path / "it_ran"
    arguments = {os.system: f"touch {mark}", eval: f"open({str(mark)!r}, 'w')", exec: f"open({str(mark)!r}, 'w')"}
    data = pickle.dumps({"data": Attack(function, arguments.get(function, str(mark)))}, protocol)
    with pytest.raises(CifarlabError, match=rf"{function.__name__}, but only NumPy arrays are admitted") as caught:
        read_pickle(data, "data_batch_1")
    assert not mark.exists()
    assert "data_batch_1" in str(caught.value)


def test_the_form_of_2009_is_read():
    pixels = bytes(range(6))
    data = (
        b"\x80\x02}(U\x04datacnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
        b"(K\x01K\x02K\x03\x86cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xff"
        b"J\xff\xff\xff\xffK\x00tb\x89U\x06" + pixels + b"tbU\x06labels](K\x01K\x02eu."
    )
    entry = read_pickle(data, "x")
    assert entry[b"labels"] == [1, 2]
    np.testing.assert_array_equal(entry[b"data"], np.arange(6, dtype=np.uint8).reshape(2, 3))


def array_of_pointers():
    return np.ndarray, ((1,), "O", b"AAAAAAAA")


@pytest.mark.parametrize(
    "call",
    [
        array_of_pointers(),
        (np.zeros(0).__reduce__()[0], (np.ndarray, (1,), b"O")),
        (np.zeros(0).__reduce__()[0], (np.ndarray, (0,), b"O")),
        (np.dtype, ("O",)),
        (np.dtype, ("V8",)),
    ],
)
@pytest.mark.parametrize("protocol", range(2, 6))
def test_arrays_of_anything_but_bytes_are_refused(call, protocol):
    with pytest.raises(CifarlabError, match="cannot read x: ") as caught:
        read_pickle(pickle.dumps({"data": Attack(*(call[0], *call[1]))}, protocol), "x")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("array", [np.zeros(3), np.array([None, "a"]), np.zeros(2, "u1,u2"), np.array(["a"])])
def test_an_array_of_numbers_that_are_no_bytes_is_refused(array):
    with pytest.raises(CifarlabError, match="something else than uint8"):
        read_pickle(pickle.dumps(array, 4), "x")


def test_an_array_larger_than_its_values_is_refused():
    data = pickle.dumps(np.arange(6, dtype=np.uint8), 3)
    assert data.count(b"K\x06\x85") == 1
    for shape in (b"K\x07\x85", b"J\xff\xff\xff\xff\x85", b"\x8a\x09" + bytes(8) + b"\x01\x85"):
        with pytest.raises(CifarlabError, match="cannot read x"):
            read_pickle(data.replace(b"K\x06\x85", shape), "x")


@pytest.mark.parametrize("protocol", [3, 4])
@pytest.mark.parametrize("order", "CF")
def test_a_batch_written_today_is_read(protocol, order):
    pixels = np.arange(12, dtype=np.uint8).reshape(3, 4, order=order)
    entry = read_pickle(pickle.dumps({b"data": pixels, b"labels": [1, 2, 3]}, protocol), "x")
    np.testing.assert_array_equal(entry[b"data"], pixels)
    assert entry[b"data"].dtype == np.uint8


@pytest.mark.parametrize("data", [b"", b"\x80\x02", b"nonsense", b"\x80\x02}(U\xff", pickle.dumps([1] * 9)[:-3]])
def test_damaged_pickles_are_one_line(data):
    with pytest.raises(CifarlabError, match="cannot read x"):
        read_pickle(data, "x")
