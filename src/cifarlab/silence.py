"""Other people's warnings and chatter, silenced for as long as any thread needs it."""

import contextlib
import os
import re
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator


@contextlib.contextmanager
def silenced() -> Iterator[None]:
    """No warning is shown or raised inside.

    Filters belong to the process, not to a thread: the first to enter sets them and the last to leave puts them back,
    so that threads need not wait for each other.
    """
    _enter()
    try:
        yield
    finally:
        _leave()


@contextlib.contextmanager
def without_chatter() -> Iterator[None]:
    """What TensorFlow's C++ parts log for information does not reach standard error; all else does, in the end.

    They ask no setting and write past Python to the descriptor, which belongs to the process: one thread at a time.
    """
    with _descriptor, tempfile.TemporaryFile() as kept:
        _flush()
        shown = os.dup(_STDERR)
        os.dup2(kept.fileno(), _STDERR)
        try:
            yield
        finally:
            _flush()
            os.dup2(shown, _STDERR)
            os.close(shown)
            kept.seek(0)
            for line in kept:
                if not _CHATTER.match(line):
                    os.write(_STDERR, line)


_STDERR = 2
_CHATTER = re.compile(rb"I\d{4} \d\d:\d\d:|WARNING: All log messages before absl::InitializeLog")
_descriptor = threading.Lock()
_lock = threading.Lock()
_filters = contextlib.ExitStack()
_inside = 0


def _flush() -> None:
    if sys.stderr is not None:
        sys.stderr.flush()


def _enter() -> None:
    global _inside
    with _lock:
        if not _inside:
            _filters.enter_context(warnings.catch_warnings())
            warnings.simplefilter("ignore")
        _inside += 1


def _leave() -> None:
    global _inside
    with _lock:
        _inside -= 1
        if not _inside:
            _filters.close()
