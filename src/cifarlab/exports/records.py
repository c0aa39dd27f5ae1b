"""The JSON beside an exported file: what it is of, its checksum, and the proof. And the file's way to its place."""

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from cifarlab.exports.about import About
from cifarlab.exports.proof import Proof
from cifarlab.utils import files
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.json_reading import read_result

FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Record:
    """What stands beside an exported file or folder, under its name and `.json`.

    Attributes:
        form: The format's name.
        sha256: Of the file; of a folder, of its files' names and contents.
        about: What travels with the network.
        proof: What its comparison with the run found; None where this format's runtime was not there.
        most_lost: Points of accuracy that it might lose, of a quantised network.
    """

    format: int = FORMAT
    form: str
    sha256: str
    about: About
    proof: Proof | None
    most_lost: float


def record_file(place: Path) -> Path:
    """Where the record of an exported file or folder is."""
    return place.with_name(f"{place.name}.json")


def read_record(place: Path) -> Record:
    """The record of an exported file, which it still is.

    Raises:
        CifarlabError: If there is no such file, it has no record, or is not as it was written.
    """
    if not place.exists():
        raise CifarlabError(f"no exported file at {place}: expected one that cifarlab export wrote")
    if record_file(place.parent).is_file():
        raise CifarlabError(f"{place} is part of an exported folder: give {place.parent}")
    if not record_file(place).is_file():
        raise CifarlabError(
            f"{place} has no {record_file(place).name} beside it, which says of which run it is: move both together, "
            "or export it again"
        )
    record = read_result(Record, record_file(place), "cifarlab export")
    if record.sha256 != checksum(place):
        raise CifarlabError(f"{place} is not as it was exported (its SHA-256 is another): export it again")
    return record


def checksum(place: Path) -> str:
    """SHA-256 of a file; of a folder, of the names and checksums of all files in it."""
    if place.is_file():
        return files.checksum(place, "sha256")
    digest = hashlib.sha256()
    for file in sorted(place.rglob("*")):
        if file.is_file():
            digest.update(f"{file.relative_to(place).as_posix()}\n{files.checksum(file, 'sha256')}\n".encode())
    return digest.hexdigest()


def size_of(place: Path) -> int:
    """Bytes of a file, or of all in a folder."""
    return sum(file.stat().st_size for file in [place, *place.rglob("*")] if file.is_file())


@contextmanager
def unfinished(folder: Path) -> Iterator[Path]:
    """A hidden folder in `folder`, where files are written and proven before they are moved to their places.

    Raises:
        CifarlabError: If it cannot be made.
    """
    files.check_no_url(folder)
    partial = files.partial_path(folder / "export")
    try:
        files.make_folder(folder)
        for left in folder.glob(".export.*.partial"):
            if files.is_left_over(left.name):
                shutil.rmtree(left, ignore_errors=True)
        partial.mkdir()
    except OSError as error:
        raise CifarlabError(f"cannot write into {folder}: {error.strerror or error}; give another --output") from error
    try:
        yield partial
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def settle(made: Path, place: Path, record: Record) -> None:
    """Move what was proven to its place, with its record; what was there before is replaced.

    Raises:
        CifarlabError: If the disk cannot be written.
    """
    before = made.with_name(f"{made.name}.before")
    try:
        _sync(made)
        # First the record goes: a file that has none is known to be nobody's, one with another's is not.
        record_file(place).unlink(missing_ok=True)
        if place.is_dir():  # a folder cannot be renamed onto another
            place.rename(before)
        made.replace(place)
        files.write_json(record_file(place), record)
    except OSError as error:
        if before.exists() and not place.exists():
            with suppress(OSError):
                before.rename(place)
        raise CifarlabError(f"cannot write {place}: {error.strerror or error}; free some space") from error


def _sync(made: Path) -> None:
    """Have the content on the disk before the name."""
    for file in [made, *made.rglob("*")]:
        if file.is_file():
            with file.open("rb") as opened:
                os.fsync(opened.fileno())
