"""Files that are either whole or absent: atomic writes and checksums."""

import contextlib
import csv
import hashlib
import io
import json
import os
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.json_data import json_data


def write_atomically(path: Path, write: Callable[[BinaryIO], object]) -> Path:
    """Write a file through a temporary neighbour, so that `path` is never half-written.

    Args:
        path: Where the file will be; its folder is made if it is missing.
        write: Called with an open binary file.

    Returns:
        `path`.

    Raises:
        CifarlabError: If the disk is full, read-only or the folder cannot be written.
    """
    # A neighbour, since a rename is atomic within one file system alone; by process, so that two do not mix.
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())  # before the rename: else a power cut may leave the name and no content
        partial.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        reason = error.strerror or str(error)
        raise CifarlabError(f"cannot write {path}: {reason}; free some space or choose another folder") from error
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    return path


def check_no_url(folder: str | Path) -> None:
    """Refuse an address such as `s3://bucket/runs`, which as a path would be a folder named `s3:` in this one.

    Raises:
        CifarlabError: If it is one.
    """
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", Path(folder).as_posix()):
        raise CifarlabError(
            f"{Path(folder).as_posix()} is an address, and no folder: give a path, such as one of a shared disk"
        )


def write_bytes(path: Path, data: bytes) -> Path:
    """Write bytes atomically."""
    return write_atomically(path, lambda file: file.write(data))


def write_text(path: Path, text: str) -> Path:
    """Write UTF-8 text atomically."""
    return write_bytes(path, text.encode())


def write_json(path: Path, value: Any) -> Path:
    """Write plain data or a result as JSON, atomically, indented, with a final newline; NaN is refused."""
    return write_text(path, json.dumps(json_data(value), indent=2, allow_nan=False) + "\n")


def to_csv(rows: Iterable[Mapping[str, Any]], columns: Iterable[str]) -> str:
    """Rows as CSV under a header line."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(columns), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def write_csv(path: Path, rows: Iterable[Mapping[str, Any]], columns: Iterable[str]) -> Path:
    """Write rows as CSV with a header line, atomically."""
    return write_text(path, to_csv(rows, columns))


def read_json(path: Path, mend: str = "") -> Any:
    """Read JSON; a missing or broken file is one clear line.

    Args:
        path: The file.
        mend: What to do where it cannot be read, for the end of that line.

    Raises:
        CifarlabError: If the file is missing, unreadable or not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise CifarlabError(f"cannot read {path}: expected a JSON file ({error}){mend and f'; {mend}'}") from error


def checksum(path: Path, algorithm: str) -> str:
    """Hexadecimal digest of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def file_slug(name: str) -> str:
    """A name made fit for a file's, and still its own."""
    slug = re.sub(r"[^A-Za-z0-9_]+", "-", name).strip("-")[:40]
    # The hash tells apart what the dashes made the same: "a/b" and "a b".
    return name if slug == name else f"{slug}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def read_object(path: Path, *keys: str, mend: str = "train it again") -> dict[str, Any]:
    """A JSON object that holds at least these keys.

    Args:
        path: The file.
        keys: What it must hold.
        mend: What to do where it does not; the default is about a run.

    Raises:
        CifarlabError: If the file is missing, unreadable, or something else.
    """
    value = read_json(path, mend)
    missing = [key for key in keys if not isinstance(value, dict) or key not in value]
    if missing or not isinstance(value, dict):
        raise CifarlabError(f"{path} is damaged: expected an object with {', '.join(keys) or 'values'}; {mend}")
    return value
