"""Files that are either whole or absent: atomic writes and checksums."""

import contextlib
import csv
import errno
import hashlib
import io
import itertools
import json
import os
import platform
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from cifarlab.utils import limits, processes
from cifarlab.utils.errors import CifarlabError, say_error
from cifarlab.utils.json_data import json_data
from cifarlab.utils.json_text import parse_json
from cifarlab.utils.seals import seal

_numbers = itertools.count()
_kept: Counter[Path] = Counter()
_AWAY = (errno.ENOENT, errno.ESTALE, errno.ENOTCONN, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ETIMEDOUT)
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV)


def write_atomically(path: Path, write: Callable[[BinaryIO], object], *, keep_as: Path | None = None) -> Path:
    """Write a file through a temporary neighbour, so that `path` is never half-written, and stays after a power cut.

    Args:
        path: Where the file will be; its folder is made if it is missing.
        write: Called with an open binary file.
        keep_as: What was there before is kept under this name, in the same folder.

    Returns:
        `path`.

    Raises:
        CifarlabError: If the disk is full, read-only or the folder cannot be written.
    """
    partial = partial_path(path)
    try:
        make_folder(path.parent)
        with partial.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())  # before the rename: else a power cut may leave the name and no content
        if keep_as is not None and path.is_file():
            _keep(path, keep_as)
        partial.replace(path)
        _sync_folder(path.parent)  # after it: else a power cut may leave what was there before
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise CifarlabError(f"cannot write {path}: {error.strerror or error}; {_advice(error)}") from error
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise
    return path


def partial_path(path: Path) -> Path:
    """A new name beside `path` for what will be renamed to it: of this process, and of this call of it.

    A neighbour, since a rename is atomic within one file system alone.
    """
    # A part of the name: a name that is as long as names may be leaves no room.
    return path.with_name(f".{path.name[:80]}.{processes.token()}-{next(_numbers)}.partial")


def clear_partials(folder: Path) -> list[Path]:
    """Remove what processes that have ended left half-written in a folder and those in it; what was removed."""
    removed = []
    for path in [*folder.rglob(".*.partial"), *folder.glob(".partial-*")]:
        if path.is_file() and is_left_over(path.name):
            path.unlink(missing_ok=True)
            removed.append(path)
    return removed


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, where they are missing, so that they stay after a power cut.

    Raises:
        OSError: If it cannot be made.
    """
    if folder.is_dir():
        return
    if folder in _kept:
        raise FileNotFoundError(errno.ENOENT, "its folder is gone")
    if folder.parent != folder:
        make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    _sync_folder(folder.parent)


@contextlib.contextmanager
def never_made_anew(folder: Path) -> Iterator[None]:
    """Inside, `make_folder` does not make this folder.

    Where it is gone for a while, as a network folder can be, half a folder in its place would hide that, and be in the
    way when it is back.
    """
    _kept[folder] += 1
    try:
        yield
    finally:
        _kept[folder] -= 1
        if not _kept[folder]:
            del _kept[folder]


def _advice(error: OSError) -> str:
    return "see that the folder is there" if error.errno in _AWAY else "free some space or choose another folder"


def move(path: Path, to: Path) -> Path:
    """Rename within a folder, so that it stays renamed after a power cut.

    Raises:
        CifarlabError: If it cannot be done.
    """
    try:
        path.replace(to)
        _sync_folder(to.parent)
    except OSError as error:
        raise CifarlabError(f"cannot write {to}: {error.strerror or error}; free some space") from error
    return to


def move_folder(folder: Path, to: Path) -> None:
    """Rename a folder to a name that is free or an empty folder's, so that it stays renamed after a power cut.

    Raises:
        OSError: If it cannot be done.
    """
    folder.rename(to)
    _sync_folder(to.parent)


def _keep(path: Path, name: Path) -> None:
    """Give a file a second name, so that at every moment one of the two is there."""
    second = partial_path(name)
    try:
        os.link(path, second)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        path.replace(name)  # a file system without hard links
        return
    try:
        second.replace(name)
    finally:  # where both are one file already, the rename does nothing
        second.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Have the names in a folder written to the disk: what `fsync` of a file leaves out."""
    if os.name != "posix":  # a folder cannot be opened there
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems cannot
            raise
    finally:
        os.close(descriptor)


def is_left_over(name: str) -> bool:
    """Whether the name of a temporary file or folder, see `partial_path`, says that its process has ended."""
    if found := re.fullmatch(r"\..*\.([0-9a-f]+-[0-9]+-[0-9]+)-[0-9]+\.partial", name):
        return processes.is_left_over(found[1])
    # As earlier versions named them: by the process's number alone, and Keras's by nothing.
    if found := re.fullmatch(r"\..*\.([0-9]{1,9})\.partial", name):
        return not processes.Process(platform.node(), int(found[1])).is_alive()
    return name in (".partial-model.keras", ".partial-last.weights.h5")


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


def write_sealed(path: Path, value: Any) -> Path:
    """As `write_json`, of a result that numbers are read from again: with its own checksum, see `seals`."""
    return write_json(path, seal(json_data(value)))


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
        CifarlabError: If the file is missing, unreadable, not JSON or too large.
    """
    try:
        limits.check_text(path, path.stat().st_size)  # before it is read
        return parse_json(path.read_bytes(), path)
    except (OSError, ValueError) as error:
        raise CifarlabError(
            f"cannot read {path}: expected a JSON file ({say_error(error)}){mend and f'; {mend}'}"
        ) from error


def read_text(path: Path, mend: str = "") -> str:
    """Read a text in UTF-8; a missing, broken or very large file is one clear line.

    Args:
        path: The file.
        mend: What to do where it cannot be read, for the end of that line.

    Raises:
        CifarlabError: If the file is missing, unreadable, no UTF-8 or too large.
    """
    try:
        limits.check_text(path, path.stat().st_size)
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = "expected text in UTF-8" if isinstance(error, UnicodeDecodeError) else say_error(error)
        raise CifarlabError(f"cannot read {path}: {why}{mend and f'; {mend}'}") from error


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
