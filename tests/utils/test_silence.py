"""What is silenced, and what is not."""

import importlib.util
import os
import subprocess
import sys
import threading
import warnings

import pytest

from cifarlab.utils.silence import silenced, without_chatter


def test_no_warning_inside_and_every_warning_after():
    with silenced():
        warnings.warn("old", FutureWarning, stacklevel=1)
        with silenced():
            warnings.warn("old", FutureWarning, stacklevel=1)
        warnings.warn("old", FutureWarning, stacklevel=1)
    with pytest.warns(FutureWarning, match="old"):
        warnings.warn("old", FutureWarning, stacklevel=1)


def test_information_is_dropped_and_all_else_is_shown(capfd):
    with without_chatter():
        os.write(2, b"WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\n")
        os.write(2, b"I0000 00:00:1795282103.613661    2131 devices.cc:76] Number of eligible GPUs\n")
        os.write(2, b"[2026-11-30 09:06:45,210 I 19461 19461] logging.cc:303: Set ray log level\n")
        os.write(2, b"E0000 00:00:1795282103.613661    2131 devices.cc:77] out of memory\n")
        os.write(2, b"a line of our own\n")
        assert capfd.readouterr().err == ""
    os.write(2, b"after\n")
    shown = capfd.readouterr().err
    assert [line.split()[-1] for line in shown.splitlines()] == ["memory", "own", "after"]


def test_an_error_inside_gives_standard_error_back(capfd):
    def fail() -> None:
        with without_chatter():
            os.write(2, b"before\n")
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        fail()
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "before\nafter\n"


def test_threads_take_turns(capfd):
    inside, go_on = threading.Event(), threading.Event()

    def first() -> None:
        with without_chatter():
            inside.set()
            assert go_on.wait(10)
            os.write(2, b"first\n")

    def second() -> None:
        with without_chatter():
            os.write(2, b"second\n")

    threads = [threading.Thread(target=each) for each in (first, second)]
    threads[0].start()
    assert inside.wait(10)
    threads[1].start()
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert capfd.readouterr().err == "first\nsecond\n"


def test_what_python_writes_meanwhile_is_shown_at_once():
    program = """
import os, sys
from cifarlab.utils.silence import without_chatter
with without_chatter():
    os.write(2, b"I0000 00:00:1795282103.613661    2131 port.cc:153] oneDNN custom operations are on\\n")
    os.write(2, b"in the end\\n")
    print("at once", file=sys.stderr)
print("after", file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines() == ["at once", "in the end", "after"]


@pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="tensorflow is not installed")
def test_importing_keras_says_nothing():
    program = "from cifarlab.utils.environment import choose_backend; choose_backend(); import keras"
    settings = {"KERAS_BACKEND": "tensorflow"}
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, **settings}, capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("", "")
