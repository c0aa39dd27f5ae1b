"""Tags and notes on a run."""

import json

import pytest

from cifarlab.runs import create_run
from cifarlab.runs.notes import LONGEST_NOTE, Notes, read_notes, write_notes
from cifarlab.utils.errors import CifarlabError


@pytest.fixture
def run(tmp_path):
    return create_run(tmp_path, "first")


def test_what_was_written_is_read_again_and_replaced(run):
    assert read_notes(run) == Notes()
    write_notes(run, [" baseline ", "two  words", "baseline", ""], "line one\r\nline two\n")
    assert read_notes(run) == Notes(("baseline", "two words"), "line one\nline two")
    write_notes(run, [], "")
    assert read_notes(run) == Notes()


def test_letters_that_look_the_same_are_the_same(run):
    assert write_notes(run, ["u\u0308ber", "\u00fcber"], "a\x00b").tags == ("\u00fcber",)
    assert read_notes(run).note == "ab"


@pytest.mark.parametrize(
    ("tags", "note", "says"),
    [
        (["a,b"], "", "no comma"),
        (["x" * 41], "", "at most 40 letters"),
        ([str(number) for number in range(21)], "", "at most 20 tags"),
        ([], "x" * (LONGEST_NOTE + 1), "at most 4,000 letters"),
    ],
)
def test_too_much_is_refused_and_changes_nothing(run, tags, note, says):
    write_notes(run, ["kept"], "kept")
    with pytest.raises(CifarlabError, match=says):
        write_notes(run, tags, note)
    assert read_notes(run) == Notes(("kept",), "kept")


def test_a_file_that_was_changed_by_something_else_is_not_believed(run):
    write_notes(run, ["good"], "")
    stored = json.loads(run.notes_file.read_text())
    run.notes_file.write_text(json.dumps({**stored, "tags": ["evil"]}))
    with pytest.raises(CifarlabError, match=r"notes\.json is damaged"):
        read_notes(run)
    run.notes_file.write_text('{"tags": "none"}')
    with pytest.raises(CifarlabError, match="expected tuple"):
        read_notes(run)


def test_damaged_notes_are_written_anew_and_those_of_a_later_version_left_alone(run):
    run.notes_file.write_text("no JSON")
    write_notes(run, ["mine"], "")
    assert read_notes(run) == Notes(("mine",))
    later = json.dumps({"format": 99, "cifarlab": "9.0.0", "labels": ["theirs"]})
    run.notes_file.write_text(later)
    with pytest.raises(CifarlabError, match="format 99"):
        write_notes(run, ["mine"], "")
    assert run.notes_file.read_text() == later
