"""TensorBoard's own reader reads what is written; what cannot be written is one line, and nothing waits for it."""

import errno
import os
import time

import pytest
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

from cifarlab.training.event_file import EventFolder
from cifarlab.utils.errors import CifarlabError


def events(folder):
    return [event for path in sorted(folder.iterdir()) for event in EventFileLoader(str(path)).Load()]


def test_tensorboard_reads_what_is_written(tmp_path):
    writer = EventFolder(tmp_path / "new", 3)
    for step in range(3, 30):
        writer.add_scalar("loss", step / 2, step)
    writer.close()
    begin, void, start, *scalars = events(tmp_path / "new")
    assert begin.file_version == void.file_version == "brain.Event:2"
    assert (void.step, start.step, start.session_log.status) == (3, 3, start.session_log.START)
    assert [event.step for event in scalars] == list(range(3, 30))
    assert scalars[0].summary.value[0].tag == "loss"


def test_one_that_goes_on_at_once_has_a_file_of_its_own(tmp_path):
    for epoch in (1, 2, 3):
        EventFolder(tmp_path, epoch).close()
    assert sorted({event.step for event in events(tmp_path)}) == [0, 1, 2, 3]


def test_one_that_goes_on_after_the_clock_was_set_back_comes_last(tmp_path, monkeypatch):
    now = time.time()
    EventFolder(tmp_path, 1).close()
    monkeypatch.setattr(time, "time", lambda: now - 86_400)
    EventFolder(tmp_path, 7).close()
    assert [event.step for event in events(tmp_path) if event.HasField("session_log")] == [1, 7]


def test_a_full_disk_is_one_line_and_nothing_waits(tmp_path, monkeypatch):
    writer = EventFolder(tmp_path, 1)

    def refuse(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    records = writer.file_writer.event_writer
    file, records._file = records._file, type("Full", (), {"write": staticmethod(refuse), "close": lambda self: None})()
    file.close()
    for step in range(50):  # more than any queue would take
        writer.add_scalar("loss", 1.0, step)
    with pytest.raises(CifarlabError, match=r"cannot write .*tfevents.*: No space left on device; free some space"):
        writer.close()


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CifarlabError, match=r"cannot write .*File exists"):
        EventFolder(tmp_path / "file" / "train", 1)
