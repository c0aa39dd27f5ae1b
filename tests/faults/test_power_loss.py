"""The rules by which a power cut is made up, against cases worked out by hand."""

import random
import sys
from pathlib import Path

import pytest

BENCHMARKS = str(Path(__file__).parents[2] / "benchmarks")


@pytest.fixture(scope="module")
def power_loss():
    sys.path.insert(0, BENCHMARKS)
    import _power_loss

    sys.path.remove(BENCHMARKS)
    return _power_loss


def every_state(power_loss, operations):
    disk = power_loss._Disk()
    for operation in operations:
        disk.do(operation)
    return list(disk.states(random.Random(0), 30))


def contents(states, path):
    return {state.get(path) for state in states}


def replacing(power_loss, *, sync_file, sync_folder):
    """`/a` is replaced by what was written to `/b`, with or without what makes that durable."""
    make = power_loss.Operation
    begin = [make("T", 1, ("/r/a",)), make("W", 1, (), 0, b"old"), make("S", 1, ("/r/a",)), make("S", 9, ("/r",))]
    write = [make("T", 2, ("/r/b",)), make("W", 2, (), 0, b"ne"), make("W", 2, (), 2, b"w")]
    sync = [make("S", 2, ("/r/b",))] if sync_file else []
    end = [make("R", 2, ("/r/b", "/r/a")), *([make("S", 9, ("/r",))] if sync_folder else [])]
    return [*begin, *write, *sync, *end]


def test_what_was_synced_is_there_for_certain(power_loss):
    states = every_state(power_loss, replacing(power_loss, sync_file=True, sync_folder=True))
    assert contents(states, "/r/a") <= {b"new"}
    assert contents(states, "/r/b") <= {None}


def test_a_rename_that_was_not_synced_is_there_or_not_and_the_file_is_whole(power_loss):
    states = every_state(power_loss, replacing(power_loss, sync_file=True, sync_folder=False))
    assert contents(states, "/r/a") == {b"old", b"new"}


def test_data_that_was_not_synced_may_be_lost_though_its_name_is_there(power_loss):
    states = every_state(power_loss, replacing(power_loss, sync_file=False, sync_folder=True))
    assert contents(states, "/r/a") == {b"new", b"ne", b""}


def test_a_used_inode_is_another_file(power_loss):
    make = power_loss.Operation
    operations = [
        *(make("T", 1, ("/r/a",)), make("W", 1, (), 0, b"first"), make("S", 1, ("/r/a",)), make("S", 9, ("/r",))),
        *(make("U", 0, ("/r/a",)), make("S", 9, ("/r",)), make("T", 1, ("/r/c",)), make("S", 9, ("/r",))),
    ]
    assert all(state == {"/r/c": b""} for state in every_state(power_loss, operations))


def test_a_record_is_read_with_the_bytes_that_were_written(power_loss, tmp_path):
    file = tmp_path / "record"
    file.write_bytes(b"T 5 /r/a b\nW 5 3 4\n\nW \nR 5 /r/a b\t/r/c\n")
    written, data, renamed = power_loss.read_record(file)
    assert (written.kind, written.inode, written.paths) == ("T", 5, ("/r/a b",))
    assert (data.offset, data.data) == (3, b"\nW \n")
    assert renamed.paths == ("/r/a b", "/r/c")
