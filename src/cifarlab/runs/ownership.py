"""OwnedRun: in which state a run is, who trains it, and who changes what others read; one process at a time does."""

import contextlib
import datetime
import os
import platform
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from cifarlab.runs.layout import RunFiles
from cifarlab.runs.schemas import StateFile
from cifarlab.utils import files, locks
from cifarlab.utils.formats import stamped
from cifarlab.utils.json_reading import read_fields
from cifarlab.utils.processes import Process

RESTORE = "restore the file, or train the run again"
STATES = ("running", "finished", "stopped", "failed")
CHANGING_SECONDS = 60.0
"""How long to wait for who changes a file of a run: it takes milliseconds, on a busy network folder longer."""


@dataclass(frozen=True)
class OwnedRun(RunFiles):
    """A run's folder, with what says whose it is at the moment."""

    @property
    def state(self) -> dict[str, Any]:
        """What `run.json` says: format, version, state, why, started, changed, and of which process that is."""
        return read_fields(StateFile, self.state_file, RESTORE)

    def set_state(self, state: str, why: str = "") -> None:
        """Record that the run is running, finished, stopped or failed, and why."""
        if state not in STATES:
            raise ValueError(f"state must be one of {STATES}. Received: {state!r}")
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        started = self.state["started"] if self.state_file.is_file() else now
        values = {"state": state, "why": why, "started": started, "changed": now, **asdict(Process.this())}
        files.write_json(self.state_file, stamped(values))

    def is_being_trained(self) -> bool:
        """Whether another process on this machine is training the run right now."""
        state = self.state
        owner = Process.read(state)
        if state["state"] != "running" or owner is None:
            return False
        is_this = (owner.host, owner.process) == (platform.node(), os.getpid())
        return not is_this and owner.is_alive()

    def has_checkpoint(self) -> bool:
        """Whether there is anything to resume from."""
        return self.checkpoint_file.is_file() or self.earlier_checkpoint_file.is_file()

    def is_gone(self) -> bool:
        """Whether the folder is not there, or out of reach, as a network folder can be for a while."""
        try:
            return not self.state_file.is_file()
        except OSError:  # such as ESTALE
            return True

    @contextlib.contextmanager
    def owned(self) -> Iterator[None]:
        """Nobody else trains this run inside; the operating system gives it free when the process ends, however.

        Raises:
            CifarlabError: At once, if another process trains the run; the message names it.
        """
        with locks.hold(self.path / ".lock", f"{self.path} is being trained", "wait for it, or stop it"):
            yield

    @contextlib.contextmanager
    def changing(self) -> Iterator[None]:
        """Nobody else changes what is read, changed and written again inside, or files that belong together.

        Training goes on meanwhile: that has a lock of its own, see `owned`. Keep it short.

        Raises:
            CifarlabError: If another process changes the run for longer than a minute.
        """
        what = f"{self.path} is being changed for more than {CHANGING_SECONDS:.0f} s"
        with locks.hold(self.path / ".changing.lock", what, "try again, or stop it", CHANGING_SECONDS):
            yield
