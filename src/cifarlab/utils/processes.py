"""Which process something is of: host, number, start and boot, so that a number that is used again is nobody's."""

import hashlib
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Process:
    """A process of some machine.

    Attributes:
        host: The machine's name.
        process: Its number there.
        process_started: When it began, in clock ticks since the machine was started; None where that is not told.
        boot: What Linux calls this start of the machine; None elsewhere.
    """

    host: str
    process: int
    process_started: int | None = None
    boot: str | None = None

    @classmethod
    def this(cls) -> "Process":
        """The one that asks."""
        return cls(platform.node(), os.getpid(), _start_of(os.getpid()), _boot())

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> "Process | None":
        """The one that a file names; None where it names none, or no number."""
        number, started, boot = (values.get(key) for key in ("process", "process_started", "boot"))
        if not isinstance(number, int) or isinstance(number, bool) or not 0 < number < 2**31:
            return None
        host = values.get("host")
        return cls(
            host if isinstance(host, str) else "",
            number,
            started if isinstance(started, int) else None,
            boot if isinstance(boot, str) else None,
        )

    def is_alive(self) -> bool:
        """Whether it has not ended; False of a process on another machine, of which nothing is known here."""
        if self.host != platform.node() or os.name != "posix" or (self.boot is not None and self.boot != _boot()):
            return False
        try:
            os.kill(self.process, 0)  # signal 0 only asks whether the process is there
        except OSError as error:
            return isinstance(error, PermissionError) and self._began_then()  # somebody else's
        return self._began_then() and not _has_ended(self.process)

    def _began_then(self) -> bool:
        """Whether what has this number now is no later process."""
        now = _start_of(self.process)
        return self.process_started is None or now is None or now == self.process_started

    def __str__(self) -> str:
        return f"process {self.process} on {self.host}" if self.host else f"process {self.process}"


def token() -> str:
    """This process in a file's name; see `is_left_over`."""
    this = Process.this()
    return f"{_short(this.host)}{_short(this.boot or '')}-{this.process}-{this.process_started or 0}"


def is_left_over(written: str) -> bool:
    """Whether the process that a `token` names has certainly ended; of another machine's that cannot be told."""
    where, _, rest = written.partition("-")
    number, _, started = rest.partition("-")
    host, boot = _short(platform.node()), _short(_boot() or "")
    if where[: len(host)] != host or not (number.isdecimal() and started.isdecimal()):
        return False
    if where[len(host) :] != boot:
        return True  # this machine was started anew since
    return not Process(platform.node(), int(number), int(started) or None).is_alive()


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:6]


@cache
def _boot() -> str | None:
    """Another text after every start of the machine (Linux)."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None


def _fields(process: int) -> list[str]:
    """What Linux tells of a process, from its state on; nothing elsewhere, or where there is no such process."""
    try:
        # After the last bracket: the program's name stands in brackets, and may hold spaces and brackets itself.
        return Path(f"/proc/{process}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def _start_of(process: int) -> int | None:
    fields = _fields(process)
    return int(fields[19]) if len(fields) > 19 else None  # field 22 of proc(5); the state is its third


def _has_ended(process: int) -> bool:
    """Whether a process that still has a number has ended and only waits for its parent to notice (Linux)."""
    return _fields(process)[:1] in (["Z"], ["X"])
