"""Steps in processes of their own: what one raises, or how it ends its process, is said, and the rest is done."""

import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from cifarlab.exports import apart


@pytest.fixture(autouse=True)
def made_up_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps that need neither Keras nor a runtime, for processes that are started with this folder on their path."""
    (tmp_path / "sitecustomize.py").write_text(
        "import os, signal, sys, types\n"
        "def add(*, a, b): return {'sum': a + b}\n"
        "def die(): os.kill(os.getpid(), signal.SIGKILL)\n"
        "def fail(): raise RuntimeError('no such operation: Wobble\\nand a hundred lines more')\n"
        "def backend(): return {'backend': os.environ.get('KERAS_BACKEND')}\n"
        "steps = types.ModuleType('cifarlab.exports.steps')\n"
        "steps.__dict__.update(add=add, die=die, fail=fail, backend=backend)\n"
        "sys.modules['cifarlab.exports.steps'] = steps\n"
        "import cifarlab.exports\n"
        "cifarlab.exports.steps = steps\n"
    )
    paths = [str(tmp_path), *os.environ.get("PYTHONPATH", "").split(os.pathsep), *(p for p in sys.path if "src" in p)]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))


def test_answers_come_in_the_order_of_the_steps() -> None:
    told: list[Any] = []
    found = apart.do_apart([{"do": "add", "a": 1, "b": 2}, {"do": "add", "a": 3, "b": 4}], told=told.append)
    assert [each.found for each in found] == [{"sum": 3}, {"sum": 7}]
    assert told == [{"do": "add", "a": 1, "b": 2}]


def test_what_a_step_raises_is_its_first_line() -> None:
    failed, done = apart.do_apart([{"do": "fail"}, {"do": "add", "a": 1, "b": 1}])
    assert (failed.found, failed.why_not) == ({}, "no such operation: Wobble")
    assert done.found == {"sum": 2}


def test_a_step_that_ends_its_process_ends_nothing_else() -> None:
    steps = [{"do": "add", "a": 1, "b": 1}, {"do": "die"}, {"do": "add", "a": 2, "b": 2}]
    first, died, last = apart.do_apart(steps)
    assert (first.found, last.found) == ({"sum": 2}, {"sum": 4})
    assert died.why_not.startswith(f"its process ended with signal {signal.SIGKILL.name}")


def test_the_backend_is_that_of_the_step() -> None:
    (found,) = apart.do_apart([{"do": "backend"}], "torch")
    assert found.found == {"backend": "torch"}
