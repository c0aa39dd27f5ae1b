"""Other people's warnings and chatter, silenced for as long as any thread needs it."""

import contextlib
import os
import re
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator
from typing import IO


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
    """What the C++ of TensorFlow and Ray log as information does not reach standard error; all else does, in the end.

    They ask no setting and write past Python to the descriptor, which belongs to the process: one thread at a time.
    What Python writes to `sys.stderr` meanwhile, such as a display of progress, is shown at once.
    """
    # A file and not a pipe: a pipe is full after 64 KiB, and whoever writes then waits for a reader for ever.
    with _descriptor, _unnamed_file() as kept:
        _flush()
        shown = os.dup(_STDERR)
        os.dup2(kept.fileno(), _STDERR)
        try:
            with _python_writes_to(shown):
                yield
        finally:
            _flush()
            os.dup2(shown, _STDERR)
            os.close(shown)
            kept.seek(0)  # the descriptors share one position, which is at the end
            for line in kept:
                if not _CHATTER.match(line):
                    os.write(_STDERR, line)


_STDERR = 2
_CHATTER = re.compile(  # the last is Ray's form
    rb"I\d{4} \d\d:\d\d:|WARNING: All log messages before absl::InitializeLog|\[\d{4}-\d\d-\d\d [\d:,]+ I "
)
_descriptor = threading.Lock()
_lock = threading.Lock()
_filters = contextlib.ExitStack()
_inside = 0


def _unnamed_file() -> IO[bytes]:
    """In memory where the system has such files (Linux): the folder for temporary files may be full, or missing."""
    if (create := getattr(os, "memfd_create", None)) is not None:
        return os.fdopen(create("stderr"), "w+b")
    return tempfile.TemporaryFile()


@contextlib.contextmanager
def _python_writes_to(descriptor: int) -> Iterator[None]:
    """`sys.stderr` is another stream on `descriptor`, unless somebody has put a stream of their own there."""
    before = sys.__stderr__
    if before is None or sys.stderr is not before:
        yield
        return
    with os.fdopen(os.dup(descriptor), "w", buffering=1, encoding=before.encoding, errors=before.errors) as stream:
        sys.stderr = stream
        try:
            yield
        finally:
            sys.stderr = before


def _flush() -> None:
    if sys.stderr is not None:
        sys.stderr.flush()


def _enter() -> None:
    global _inside
    with _lock:
        if not _inside:  # `catch_warnings` saves and restores for the process: two that overlap would restore wrongly
            _filters.enter_context(warnings.catch_warnings())
            warnings.simplefilter("ignore")
        _inside += 1


def _leave() -> None:
    global _inside
    with _lock:
        _inside -= 1
        if not _inside:
            _filters.close()
