"""Labels files: what is read of them, what is refused, and that appending never harms what is there."""

import csv
import os
import subprocess
import sys

import numpy as np
import pytest

from cifarlab.datasets.verdicts import (
    COLUMNS,
    _writing,
    append_verdicts,
    content_checksum,
    new_verdict,
    read_labels,
)
from cifarlab.utils import files, locks
from cifarlab.utils.errors import CifarlabError

HEADER = "id,old,new,verdict,when,checksum\n"


@pytest.fixture
def labels(tmp_path):
    return tmp_path / "labels.csv"


def write(path, *rows, header=HEADER):
    path.write_text(header + "".join(row + "\n" for row in rows), encoding="utf-8")
    return path


def test_the_last_line_for_an_image_counts_and_undo_takes_all_back(labels):
    write(labels, "a,cat,dog,relabel,,", "b,cat,,keep,,", "a,cat,,drop,,", "b,cat,,undo,,", "c,dog,,unsure,,")
    read = read_labels(labels)
    assert [(each.image_id, each.verdict, each.row) for each in read.verdicts] == [
        ("a", "relabel", 2), ("b", "keep", 3), ("a", "drop", 4), ("b", "undo", 5), ("c", "unsure", 6),
    ]  # fmt: skip
    assert {key: each.verdict for key, each in read.current.items()} == {"a": "drop", "c": "unsure"}


def test_what_is_appended_is_read_again(labels):
    image = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    odd = 'folder/a "b", c\n.png'
    append_verdicts(labels, [new_verdict(odd, "cat", "relabel", "dog", image), new_verdict("b", "=1+1", "keep")])
    added = append_verdicts(labels, [new_verdict("b", "=1+1", "undo")])
    read = read_labels(labels)
    assert read == added
    assert [each.image_id for each in read.verdicts] == [odd, "b", "b"]
    first = read.verdicts[0]
    assert (first.old, first.new, first.verdict, first.checksum) == ("cat", "dog", "relabel", content_checksum(image))
    assert first.when.endswith("Z")
    with labels.open(newline="", encoding="utf-8") as file:
        assert tuple(next(csv.reader(file))) == COLUMNS


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_appending_keeps_every_byte_and_ends_an_open_line(labels, end):
    before = (HEADER + "a,cat,,keep,," + end).encode()
    labels.write_bytes(before)
    append_verdicts(labels, [new_verdict("b", "dog", "drop")])
    assert labels.read_bytes().startswith(before)
    assert [each.image_id for each in read_labels(labels).verdicts] == ["a", "b"]


def test_a_list_of_doubts_is_a_labels_file_once_verdicts_are_filled_in(labels):
    header = "id,given_label,suggested_label,score,is_issue,verdict,when,checksum\n"
    write(
        labels, "a,cat,dog,0.1,True,relabel,,", "b,cat,frog,0.2,False,,,", "c,cat,frog,0.2,False,keep,,", header=header
    )
    read = read_labels(labels)
    assert [(each.image_id, each.old, each.new, each.verdict) for each in read.verdicts] == [
        ("a", "cat", "dog", "relabel"), ("c", "cat", "", "keep"),
    ]  # fmt: skip
    append_verdicts(labels, [new_verdict("b", "cat", "relabel", "ship")])
    assert labels.read_text().splitlines()[-1].startswith("b,cat,ship,,,relabel,2")
    assert read_labels(labels).current["b"].new == "ship"


def test_a_spreadsheets_mark_and_line_ends_are_no_damage(labels):
    labels.write_bytes("\ufeffid,old,new,verdict\r\nä.png,cat,,keep\r\n\r\n".encode())
    assert [each.image_id for each in read_labels(labels).verdicts] == ["ä.png"]


def test_what_a_spreadsheet_saves_with_semicolons_is_read_and_not_mixed_with_commas(labels):
    labels.write_bytes("\ufeffid;old;new;verdict;when;checksum\r\na,b.png;cat;dog;RELABEL;;\r\n".encode())
    (found,) = read_labels(labels).verdicts
    assert (found.image_id, found.old, found.new, found.verdict) == ("a,b.png", "cat", "dog", "relabel")
    before = labels.read_bytes()
    with pytest.raises(CifarlabError, match="save it as CSV with commas"):
        append_verdicts(labels, [new_verdict("c", "cat", "keep")])
    assert labels.read_bytes() == before


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty: expected a header"),
        (b"id old new verdict\n", "row 1: it has no column 'id', 'old', 'new', 'verdict'.*commas"),
        (b"id,old,verdict\n", "row 1: it has no column 'new'"),
        (b"id,old,given_label,new,verdict\n", "row 1: two columns are 'old'"),
        (b"id,old,new,verdict\na,cat,,keep\nb,cat,,kept\n", "row 3: unknown verdict 'kept'; expected keep, relabel"),
        (b"id,old,new,verdict\na,cat,,relabel\n", "row 2: it has no new label"),
        (b"id,old,new,verdict\na,,,keep\n", "row 2: it has no old label"),
        (b"id,old,new,verdict\n,cat,,keep\n", "row 2: it has no id"),
        (b"id,old,new,verdict\na,cat,,keep\nb,cat,dr", "row 3: it has 3 cells, the header 4"),
        (b"id,old,new,verdict,when\na,cat,,keep,yesterday\n", "row 2: time 'yesterday' is none"),
        (b"id,old,new,verdict,when\na,cat,,keep,2026-01-31T12:00:00\n", "row 2: time '2026-01-31T12:00:00' is none"),
        (b"id,old,new,verdict,checksum\na,cat,,keep,XYZ\n", "row 2: checksum 'XYZ' is none"),
        (b"id,old,new,verdict\na,cat,,keep\n\xff,cat,,keep\n", "row 3: it is not UTF-8"),
        (b'id,old,new,verdict\na,"cat"x,,keep\n', "row 2: it is no CSV"),
        (b'id,old,new,verdict\na,"cat,,keep\n', "row 2: it is no CSV"),
        (b"\x93NUMPY\x01\x00", "row 1: it is not UTF-8"),
    ],
)
def test_damage_is_one_line_with_its_row_and_nothing_is_added_behind_it(labels, content, said):
    labels.write_bytes(content)
    with pytest.raises(CifarlabError, match=said) as caught:
        read_labels(labels)
    assert "\n" not in str(caught.value)
    with pytest.raises(CifarlabError, match=said):
        append_verdicts(labels, [new_verdict("a", "cat", "keep")])
    assert labels.read_bytes() == content


def test_what_cannot_be_opened_is_one_line(labels, tmp_path):
    with pytest.raises(CifarlabError, match="cannot read the labels file"):
        read_labels(labels)
    with pytest.raises(CifarlabError, match="cannot read the labels file"):
        read_labels(tmp_path)
    (tmp_path / "file").write_text("x")
    with pytest.raises(CifarlabError, match="cannot write"):
        append_verdicts(tmp_path / "file" / "labels.csv", [new_verdict("a", "cat", "keep")])


def test_a_file_without_times_is_read_but_not_added_to(labels):
    write(labels, "a,cat,,keep", header="id,old,new,verdict\n")
    with pytest.raises(CifarlabError, match="it has no column 'when'"):
        append_verdicts(labels, [new_verdict("b", "cat", "keep")])


def test_a_verdict_that_says_too_little_is_refused():
    with pytest.raises(CifarlabError, match="it has no new label"):
        new_verdict("a", "cat", "relabel")
    with pytest.raises(CifarlabError, match="unknown verdict 'maybe'"):
        new_verdict("a", "cat", "maybe")
    assert new_verdict("a", "cat", "keep", "dog").new == ""


def test_a_disk_that_refuses_in_the_middle_leaves_the_file_as_it_was(labels, monkeypatch):
    append_verdicts(labels, [new_verdict("a", "cat", "keep")])
    before = labels.read_bytes()

    def full(number):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CifarlabError, match="No space left on device; nothing was added"):
        append_verdicts(labels, [new_verdict("b", "cat", "keep")])
    assert labels.read_bytes() == before


def test_a_new_file_and_its_folder_are_on_the_disk(tmp_path, monkeypatch):
    """Their names too: a folder is synced after what is new in it."""
    synced = []
    monkeypatch.setattr(files, "_sync_folder", synced.append)
    labels = tmp_path / "new" / "labels.csv"
    append_verdicts(labels, [new_verdict("a", "cat", "keep")])
    assert synced == [tmp_path, labels.parent]
    append_verdicts(labels, [new_verdict("b", "cat", "keep")])
    assert synced == [tmp_path, labels.parent]
    assert len(read_labels(labels).verdicts) == 2


def test_a_disk_that_refuses_a_new_file_leaves_none(labels, monkeypatch):
    def full(number):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CifarlabError, match="No space left on device"):
        append_verdicts(labels, [new_verdict("a", "cat", "keep")])
    assert not labels.exists()


def test_who_writes_the_file_for_too_long_is_named(labels, monkeypatch):
    monkeypatch.setattr(_writing, "_PATIENCE_SECONDS", 0.01)
    with (
        locks.hold(labels.with_name(".labels.csv.lock"), "it", "wait"),
        pytest.raises(CifarlabError, match=rf"labels\.csv is being written by process {os.getpid()} on .*: try again"),
    ):
        append_verdicts(labels, [new_verdict("a", "cat", "keep")])
    assert not labels.exists()


APPEND = """
import sys
from cifarlab.datasets.verdicts import append_verdicts, new_verdict
for number in range(20):
    append_verdicts(sys.argv[1], [new_verdict(f"{sys.argv[2]}-{number}-{part}", "cat", "keep") for part in range(3)])
"""


def test_several_programs_append_and_no_line_is_lost_or_torn(labels):
    names = ("one", "two", "three")
    programs = [subprocess.Popen([sys.executable, "-c", APPEND, labels, name]) for name in names]
    assert [each.wait(120) for each in programs] == [0, 0, 0]
    found = [each.image_id for each in read_labels(labels).verdicts]
    assert len(found) == 3 * 60
    for name in names:  # each program's own in its order
        own = [image_id for image_id in found if image_id.startswith(name)]
        assert own == [f"{name}-{i}-{p}" for i in range(20) for p in range(3)]
    for start in range(0, len(found), 3):  # what was added at once stands together
        assert len({image_id.rpartition("-")[0] for image_id in found[start : start + 3]}) == 1
