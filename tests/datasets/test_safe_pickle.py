import os
import pickle

import numpy as np
import pytest

from cifarlab.datasets._safe_pickle import read_pickle
from cifarlab.errors import CifarlabError


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


@pytest.mark.parametrize("data", [b"", b"\x80\x02", b"nonsense", b"\x80\x02}(U\xff", pickle.dumps([1] * 9)[:-3]])
def test_damaged_pickles_are_one_line(data):
    with pytest.raises(CifarlabError, match="cannot read x"):
        read_pickle(data, "x")
