"""Reading a labels file: a CSV that is only ever appended to, checked row by row."""

import csv
import hashlib
import io
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cifarlab.datasets._table_rows import separator
from cifarlab.datasets.verdicts._verdict import UNDO, Verdict, what_is_wrong
from cifarlab.utils.errors import CifarlabError

# What the list of `cifarlab doubts --csv` calls these columns: with `verdict` filled in, it is a labels file.
ALIASES = {"given_label": "old", "suggested_label": "new"}
_NEEDED = ("id", "old", "new", "verdict")
_MOST_BYTES = 256 * 2**20


@dataclass(frozen=True)
class LabelsFile:
    """The verdicts of one file.

    Attributes:
        path: Where it was read.
        content: Its bytes, to be kept with what was made of it.
        header: Its columns, by their own names.
        verdicts: In the order in which they were given.
    """

    path: Path
    content: bytes
    header: tuple[str, ...]
    verdicts: tuple[Verdict, ...]

    @property
    def checksum(self) -> str:
        """`"sha256:..."` of the file."""
        return f"sha256:{hashlib.sha256(self.content).hexdigest()}"

    @property
    def current(self) -> dict[str, Verdict]:
        """Image id to the verdict that counts, the last; images whose verdict was taken back are left out."""
        last = {verdict.image_id: verdict for verdict in self.verdicts}
        return {image_id: verdict for image_id, verdict in last.items() if verdict.verdict != UNDO}


def read_labels(path: str | os.PathLike[str]) -> LabelsFile:
    """Read a labels file: `id, old, new, verdict, when, checksum`, the last line for an image counts.

    Rows without a verdict are left out, and further columns are not read: so a list that `cifarlab doubts --csv` wrote
    is a labels file once its column `verdict` has been filled in.

    Raises:
        CifarlabError: If it cannot be read or a row is damaged; the message has the row's number, the header being 1.
    """
    place = Path(path)
    content = _read_bytes(place)
    try:
        text = content.decode("utf-8-sig")  # spreadsheets begin a file with a mark
    except UnicodeDecodeError as error:
        row = 1 + content[: error.start].count(b"\n")
        raise CifarlabError(f"{place}, row {row}: it is not UTF-8 text; save it as CSV in UTF-8") from error
    return parse_labels(text, content, place)


def parse_labels(text: str, content: bytes, path: Path) -> LabelsFile:
    """What a labels file of this text says; see `read_labels`."""
    number = 0
    verdicts: list[Verdict] = []
    header: tuple[str, ...] = ()
    try:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator(text), strict=True)
        for number, cells in enumerate(rows, 1):
            if number == 1:
                header = tuple(cell.strip() for cell in cells)
                places = _find_columns(header, path)
            elif cells and (verdict := _read_row(cells, places, len(header), path, number)) is not None:
                verdicts.append(verdict)
    except csv.Error as error:
        raise CifarlabError(f"{path}, row {number + 1}: it is no CSV ({error})") from error
    if not header:
        raise CifarlabError(f"{path} is empty: expected a header with {', '.join(_NEEDED)}")
    return LabelsFile(path, content, header, tuple(verdicts))


def _read_bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise CifarlabError(f"{path} is larger than {_MOST_BYTES // 2**20} MB: it is no labels file")
        return path.read_bytes()
    except OSError as error:
        raise CifarlabError(
            f"cannot read the labels file {path}: {error.strerror or error}; expected a CSV with {', '.join(_NEEDED)}"
        ) from error


def _find_columns(header: tuple[str, ...], path: Path) -> Mapping[str, int]:
    names = [ALIASES.get(name, name) for name in header]
    twice = next((name for name in names if name in (*_NEEDED, "when", "checksum") and names.count(name) > 1), "")
    if twice:
        raise CifarlabError(f"{path}, row 1: two columns are {twice!r}; take one of them out")
    if missing := [name for name in _NEEDED if name not in names]:
        commas = " with commas between them" if len(names) == 1 else ""
        raise CifarlabError(
            f"{path}, row 1: it has no column {', '.join(map(repr, missing))}; expected {', '.join(_NEEDED)}, when, "
            f"checksum{commas}, as the app writes them"
        )
    return {name: place for place, name in enumerate(names)}


def _read_row(cells: list[str], places: Mapping[str, int], width: int, path: Path, row: int) -> Verdict | None:
    """One row; None of one that nobody has judged."""
    if len(cells) != width:
        raise CifarlabError(f"{path}, row {row}: it has {len(cells)} cells, the header {width}; mend it or take it out")

    def cell(name: str) -> str:
        return cells[places[name]].strip() if name in places else ""

    verdict = cell("verdict").lower()
    if not verdict:
        return None
    # An id is taken as it stands: a file's name may begin or end in a space.
    new = cell("new") if verdict == "relabel" else ""
    made = Verdict(cells[places["id"]], cell("old"), new, verdict, cell("when"), cell("checksum"), row)
    if reason := what_is_wrong(made):
        raise CifarlabError(f"{path}, row {row}: {reason}")
    return made
