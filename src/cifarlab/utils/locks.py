"""Locks between processes: the operating system frees them when who holds one ends, however; and who holds one."""

import contextlib
import dataclasses
import json
import os
from collections.abc import Iterator
from pathlib import Path

from cifarlab.utils import files
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.processes import Process


class BusyError(CifarlabError):
    """Another process holds the lock."""


@contextlib.contextmanager
def hold(path: Path, what: str, advice: str, seconds: float = 0.0) -> Iterator[None]:
    """Hold a lock for as long as the block lasts.

    Where its folder disappears meanwhile, nothing in this process makes that anew.

    Args:
        path: The lock's file, which stays, in a folder that is there; beside it, for as long as it is held, a file that
            says by whom.
        what: What its holder does, such as `"runs/a is being trained"`.
        advice: What to do where another process holds it.
        seconds: For how long to wait for it.

    Raises:
        BusyError: If another process, or another thread of this one, holds it.
        CifarlabError: If there can be no lock: the folder is missing or read-only, or the disk full.
    """
    import filelock  # brings asyncio, which those who only read need not wait for

    if not path.parent.exists():  # filelock would make it
        raise CifarlabError(f"cannot lock {path}: its folder is gone; see that it is there")
    lock = filelock.FileLock(path)
    try:
        if seconds:
            lock.acquire(timeout=seconds)
        else:
            lock.acquire(blocking=False)
    except filelock.Timeout:
        raise BusyError(f"{what} by {holder(path) or 'another process'}: {advice}") from None
    except OSError as error:
        reason = error.strerror or error
        raise CifarlabError(f"cannot lock {path}: {reason}; free some space or choose another folder") from error
    owner = _owner_file(path)
    try:
        # For words alone: who cannot write it holds the lock all the same.
        with contextlib.suppress(OSError):
            _write_owner(owner)
        with files.never_made_anew(path.parent):
            yield
    finally:
        with contextlib.suppress(OSError):
            owner.unlink(missing_ok=True)
        lock.release()


def holder(path: Path) -> Process | None:
    """Who holds a lock that is held; None where that was not written, or cannot be read."""
    try:
        values = json.loads(_owner_file(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return Process.read(values) if isinstance(values, dict) else None


def is_held(path: Path) -> bool:
    """Whether a process holds a lock; asked without touching the lock's file (always no on Windows)."""
    if os.name != "posix":
        return False
    import fcntl

    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        # Shared, and given back at once: who takes a lock that is asked for like this waits longer than that for it.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def _write_owner(path: Path) -> None:
    # Where somebody else's folder has a link of that name, nothing is written to where it leads.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0), 0o644)
    with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 - a descriptor
        json.dump(dataclasses.asdict(Process.this()), file)


def _owner_file(path: Path) -> Path:
    return path.with_name(f"{path.name}.owner")
