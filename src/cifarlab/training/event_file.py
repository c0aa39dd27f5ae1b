"""TensorBoard's events in a file, written in the thread that makes them.

tensorboardX's own writer has a thread for it. On a full disk that thread ends, with a traceback, and the training then
waits for it for ever.
"""

import platform
import struct
import time
from pathlib import Path
from typing import Any

from tensorboardX.event_file_writer import EventFileWriter
from tensorboardX.proto.event_pb2 import Event, SessionLog
from tensorboardX.record_writer import masked_crc32c
from tensorboardX.writer import FileWriter, SummaryWriter

from cifarlab.utils import files
from cifarlab.utils.errors import CifarlabError

FLUSH_SECONDS = 10.0
LARGE = 2**20
"""So many bytes are not kept waiting."""
_NAME = "events.out.tfevents"
_VERSION = "brain.Event:2"


class EventFolder(SummaryWriter):
    """Writes curves, pictures and histograms to one new file in a folder.

    Args:
        folder: Where to; made if it is missing.
        first_epoch: Earlier events of this epoch and later ones are void.

    Raises:
        CifarlabError: If the file cannot be written, here and later.
    """

    file_writer: Any
    all_writers: Any

    def __init__(self, folder: Path, first_epoch: int) -> None:
        super().__init__(str(folder), purge_step=first_epoch)

    def _get_file_writer(self) -> FileWriter:
        if self.all_writers is None:
            file = self.file_writer = _EventFile(self.logdir)
            file.add_event(Event(step=self.purge_step, file_version=_VERSION))
            file.add_event(Event(step=self.purge_step, session_log=SessionLog(status=SessionLog.START)))
            self.all_writers = {self.logdir: file}
        writer: FileWriter = self.file_writer
        return writer


class _EventFile(FileWriter):
    """What a `SummaryWriter` writes to."""

    def __init__(self, folder: str) -> None:
        self._default_metadata: dict[str, Any] = {}
        self.event_writer = _Records(Path(folder))


class _Records(EventFileWriter):
    """Events one after the other, each with its length and two checksums; in memory until they are due."""

    def __init__(self, folder: Path) -> None:
        self._logdir = str(folder)
        self._waiting = bytearray()
        self._due = time.monotonic()
        self._path = folder / f"{_NAME}.{_stamp(folder)}.{platform.node()}"
        try:
            files.make_folder(folder)
            self._file = self._path.open("xb", buffering=0)  # what could not be written is not tried again at the end
        except OSError as error:
            raise self._complain(error) from error
        self.add_event(Event(wall_time=time.time(), file_version=_VERSION))

    def add_event(self, event: Event) -> None:
        """Write an event, soon."""
        data = event.SerializeToString()
        header = struct.pack("Q", len(data))
        for part in (header, _checksum(header), data, _checksum(data)):
            self._waiting += part
        if time.monotonic() >= self._due or len(self._waiting) > LARGE:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        self._due = time.monotonic() + FLUSH_SECONDS
        try:
            while self._waiting:
                del self._waiting[: self._file.write(self._waiting)]
        except OSError as error:
            raise self._complain(error) from error

    def close(self) -> None:
        """Write what waits, and close the file, also where that fails."""
        try:
            self.flush()
        finally:
            self._waiting.clear()
            self._file.close()

    def _complain(self, error: OSError) -> CifarlabError:
        return CifarlabError(f"cannot write {self._path}: {error.strerror or error}; free some space")


def _stamp(folder: Path) -> int:
    """The time in seconds, or more: TensorBoard reads a folder's files in the order of their names.

    A training that went on within a second, or after the clock was set back, must come after what it goes on from, or
    its curves would be taken for the earlier ones.
    """
    names = (path.name.removeprefix(f"{_NAME}.").partition(".")[0] for path in folder.glob(f"{_NAME}.*"))
    return max([round(time.time()), *(int(name) + 1 for name in names if name.isdecimal())])


def _checksum(data: bytes) -> bytes:
    return struct.pack("I", masked_crc32c(data))
