"""Python's text without running it, and never by two threads at once."""

import ast
import gc
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cifarlab.utils import syntax
from cifarlab.utils.array_files import map_array, open_arrays


@pytest.mark.parametrize(("text", "value"), [("(24, 24)", (24, 24)), ("-1e-3", -0.001), ("{'a': None}", {"a": None})])
def test_a_literal_is_its_value(text, value):
    assert syntax.literal(text) == value


@pytest.mark.parametrize("text", ["relu", "open('x')", "1 +", "[" * 10_000])
def test_what_is_no_literal_is_refused_and_not_run(text):
    with pytest.raises((ValueError, SyntaxError, MemoryError, RecursionError)):
        syntax.literal(text)


def test_a_docstring_loses_its_indentation():
    assert syntax.docstring('"""One.\n\n    Two.\n    """\nraise SystemExit\n') == "One.\n\nTwo."
    assert syntax.docstring("x = 1") == ""


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("def build(shape, classes, width=1, *, depth=2): ...", ["width", "depth"]),
        ("def build(shape, /, classes, *rest, depth=2): ...", ["depth"]),
        ("def build(a, b, old): ...\ndef build(a, b, new): ...", ["new"]),
        ("def build(shape, classes, **others): ...", None),
        ("@cache\ndef build(shape, classes): ...", None),
        ("class Other:\n    def build(self): ...", None),
    ],
)
def test_parameters_are_those_of_the_last_definition(source, names):
    assert syntax.parameters(source.encode(), "build", skip=2) == names


@pytest.fixture
def archive(tmp_path) -> Path:
    np.savez(tmp_path / "some.npz", values=np.arange(3))
    return tmp_path / "some.npz"


@pytest.fixture
def single(tmp_path) -> Path:
    np.save(tmp_path / "some.npy", np.arange(3))
    return tmp_path / "some.npy"


def read(path: Path) -> None:
    with open_arrays(path) as stored:
        assert stored["values"].tolist() == [0, 1, 2]


@pytest.fixture(params=["literal", "docstring", "parameters", "open_arrays", "map_array"])
def parse(request, archive, single):
    """Everything in the package that parses: NumPy does too, for the header of an array."""
    return {
        "literal": lambda: syntax.literal("[1, (2, 3)]"),
        "docstring": lambda: syntax.docstring("'''Text.'''"),
        "parameters": lambda: syntax.parameters(b"def build(a): ...", "build"),
        "open_arrays": lambda: read(archive),
        "map_array": lambda: map_array(single),
    }[request.param]


def test_who_parses_keeps_other_threads_out(monkeypatch, parse):
    got_in = []

    def try_to_get_in() -> None:
        if syntax.PARSER.acquire(blocking=False):
            syntax.PARSER.release()
            got_in.append(True)
        else:
            got_in.append(False)

    plain = ast.parse

    def watched(*args, **options):
        other = threading.Thread(target=try_to_get_in)
        other.start()
        other.join()
        return plain(*args, **options)

    monkeypatch.setattr(ast, "parse", watched)  # which `ast.literal_eval` calls too
    parse()
    assert set(got_in) == {False}  # each time: a header is read twice, once to be measured
    try_to_get_in()
    assert got_in[-1]


class Garbage:
    """A circle, so that only the collector finds it; its finalizer lets another thread in."""

    def __init__(self) -> None:
        self.circle = self

    def __del__(self) -> None:
        for _ in range(50):
            pass


def test_threads_that_parse_do_not_disturb_one_another(archive):
    """Without the lock this fails on Python 3.11, after a few rounds: `AST constructor recursion depth mismatch`."""
    failures = []
    source = "def build(a, b):\n    return [[x] for x in [[a]]]\n" * 20
    together = threading.Barrier(4)

    def work(parse: Callable[[], object]) -> None:
        together.wait()
        try:
            for _ in range(30):
                for _ in range(20):
                    Garbage()
                parse()
        except SystemError as error:
            failures.append(error)

    interval, thresholds = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(1e-6)
    gc.set_threshold(5)
    try:
        parses = [lambda: syntax.docstring(source), lambda: read(archive)]
        threads = [threading.Thread(target=work, args=(parse,)) for parse in 2 * parses]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
        gc.set_threshold(*thresholds)
    assert failures == []
