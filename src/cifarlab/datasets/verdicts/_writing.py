"""Appending to a labels file: whole lines, one writer at a time, on the disk before anybody is told so."""

import os
from collections.abc import Sequence
from pathlib import Path

from cifarlab.datasets._table_rows import separator
from cifarlab.datasets.verdicts._reading import ALIASES, LabelsFile, parse_labels, read_labels
from cifarlab.datasets.verdicts._verdict import COLUMNS, Verdict, what_is_wrong
from cifarlab.utils import files, locks
from cifarlab.utils.errors import CifarlabError

_PATIENCE_SECONDS = 10.0


def append_verdicts(path: str | os.PathLike[str], verdicts: Sequence[Verdict]) -> LabelsFile:
    """Add verdicts to a labels file, which is made where there is none; what it holds is never changed.

    Args:
        path: The file; beside it lies a lock, by which several programs write one after the other.
        verdicts: In their order.

    Returns:
        The file as it is now.

    Raises:
        CifarlabError: If a verdict or the file is damaged, somebody else writes for too long, or the disk refuses; the
            file is then as it was.
    """
    place = Path(path)
    for verdict in verdicts:
        if reason := what_is_wrong(verdict):
            raise CifarlabError(f"the verdict on {verdict.image_id or 'an image'} is damaged: {reason}")
    try:
        files.make_folder(place.parent)
        lock, what = place.with_name(f".{place.name}.lock"), f"{place} is being written"
        with locks.hold(lock, what, "try again when it has ended", _PATIENCE_SECONDS):
            return _append(place, verdicts)
    except OSError as error:
        raise CifarlabError(f"cannot write {place}: {error.strerror or error}; nothing was added to it") from error


def _append(path: Path, verdicts: Sequence[Verdict]) -> LabelsFile:
    # Read first: behind a damaged row nothing more is written, and the columns are the file's own.
    is_new = not path.exists()
    known = parse_labels(files.to_csv([], COLUMNS), b"", path) if is_new else read_labels(path)
    if separator(known.content.decode("utf-8-sig")) != ",":
        raise CifarlabError(f"{path} has no commas between its columns: save it as CSV with commas to add to it")
    for name in COLUMNS:
        if name not in [ALIASES.get(column, column) for column in known.header]:
            raise CifarlabError(f"{path}, row 1: it has no column {name!r}; expected {', '.join(COLUMNS)} to add to it")
    rows = [{column: _cell(verdict, column) for column in known.header} for verdict in verdicts]
    lines = files.to_csv(rows, known.header)
    if known.content:
        lines = lines.partition("\n")[2]  # without the header
        if not known.content.endswith((b"\n", b"\r")):
            lines = "\n" + lines
    added = lines.encode()
    if is_new:
        files.write_bytes(path, added)  # the file's name too is to stay after a power cut
    else:
        _write_behind(path, len(known.content), added)
    content = known.content + added
    return parse_labels(content.decode("utf-8-sig"), content, path)


def _write_behind(path: Path, size: int, data: bytes) -> None:
    """Append whole lines; where the disk refuses in the middle, what was written of them is taken back."""
    with path.open("ab", buffering=0) as file:
        try:
            written = 0
            while written < len(data):
                written += file.write(data[written:])
            os.fsync(file.fileno())
        except OSError:
            file.truncate(size)
            raise


def _cell(verdict: Verdict, column: str) -> str:
    """What a verdict has for one of the file's columns; nothing for a column that is none of ours."""
    name = ALIASES.get(column, column)
    return getattr(verdict, "image_id" if name == "id" else name) if name in COLUMNS else ""
