"""Other people's warnings, silenced for as long as any thread needs it."""

import contextlib
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


_lock = threading.Lock()
_filters = contextlib.ExitStack()
_inside = 0


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
