"""Notes: tags and a note that people give a run, in a file of its own; nothing is computed from them."""

import datetime
import hashlib
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from cifarlab.runs.run import Run
from cifarlab.runs.schemas import NotesFile
from cifarlab.utils import files
from cifarlab.utils.errors import CifarlabError, WrongField
from cifarlab.utils.formats import check_format, stamped
from cifarlab.utils.json_reading import read_fields

MOST_TAGS = 20
LONGEST_TAG = 40
LONGEST_NOTE = 4_000
"""In letters: a list of runs shows them all."""


@dataclass(frozen=True)
class Notes:
    """What somebody wrote about a run.

    Attributes:
        tags: Words to find it by, each once, in the order given.
        note: Any text.
    """

    tags: tuple[str, ...] = ()
    note: str = ""

    @property
    def digest(self) -> str:
        """Other notes have another one."""
        return hashlib.sha256(repr((self.tags, self.note)).encode()).hexdigest()[:16]


def read_notes(run: Run) -> Notes:
    """A run's tags and note; empty where nobody wrote any.

    Raises:
        CifarlabError: If the file is damaged.
    """
    if not run.notes_file.is_file():
        return Notes()
    found = read_fields(NotesFile, run.notes_file, "write the tags and the note again")
    return Notes(tuple(found.get("tags", ())), found.get("note", ""))


def write_notes(run: Run, tags: Sequence[str], note: str, before: str = "") -> Notes:
    """Replace a run's tags and note.

    Args:
        run: Which run.
        tags: Without commas; space around them and repetitions are dropped.
        note: Any text.
        before: The digest of the notes that these replace; empty to replace any.

    Raises:
        CifarlabError: If the notes that are there are others than `before`, a tag or the note is too long, a later
            version wrote the notes that are there, or the disk refuses; nothing is then changed.
    """
    notes = Notes(tidy_tags(tags), _tidy(note))
    if len(notes.note) > LONGEST_NOTE:
        raise WrongField(f"a note has at most {LONGEST_NOTE:,} letters. Received: {len(notes.note):,}", "note")
    changed = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    with run.changing():
        _check_not_later(run)
        if before and before != _digest(run):
            raise WrongField(
                "tags or note have been changed elsewhere since this page was loaded: save again to replace them",
                "before",
            )
        files.write_sealed(run.notes_file, stamped({**asdict(notes), "changed": changed}))
    return notes


def _digest(run: Run) -> str:
    try:
        return read_notes(run).digest
    except CifarlabError:  # damaged, and to be replaced
        return Notes().digest


def _check_not_later(run: Run) -> None:
    """Damaged notes may be written anew; what a later version wrote is somebody's work, and is left alone."""
    if not run.notes_file.is_file():
        return
    try:
        value = files.read_json(run.notes_file)
    except CifarlabError:  # no JSON
        return
    check_format(run.notes_file, value)


def tidy_tags(tags: Sequence[str]) -> tuple[str, ...]:
    """Tags as `write_notes` keeps them.

    Raises:
        WrongField: If there are too many, or one is too long or has a comma.
    """
    tidied = tuple(dict.fromkeys(tag for each in tags if (tag := " ".join(_tidy(each).split()))))
    for tag in tidied:
        if len(tag) > LONGEST_TAG or "," in tag:
            raise WrongField(f"a tag has at most {LONGEST_TAG} letters and no comma. Received: {tag[:100]!r}", "tags")
    if len(tidied) > MOST_TAGS:
        raise WrongField(f"a run has at most {MOST_TAGS} tags. Received: {len(tidied)}", "tags")
    return tidied


def _tidy(text: str) -> str:
    """In one spelling of Unicode, so that what looks the same is found, and without what cannot be seen or written."""
    lines = unicodedata.normalize("NFC", text.replace("\r\n", "\n")).strip()
    return "".join(letter for letter in lines if letter in "\n\t" or unicodedata.category(letter) not in ("Cc", "Cs"))
