"""What a file may cost before it is believed: bytes and rows, by what it announces, refused before they are taken."""

import os
from pathlib import Path

from cifarlab.utils.errors import CifarlabError

VARIABLE = "CIFARLAB_MAX_MB"
"""The environment variable by which a user raises the limit, in MiB."""
DEFAULT_MB = 1024
_BYTES_A_ROW = 512  # of predictions: an id, its text, logits, and probabilities in double precision
_BYTES_A_CELL = 64  # of text taken apart: a Python string, and its place in a list
_BYTES_OF_JSON = 32  # of memory for each byte of the file: `[[],[],...` makes as much of it


class TooLargeError(CifarlabError):
    """A file that would take more memory than the limit allows."""


def most_bytes() -> int:
    """Memory that the content of one file may take.

    Raises:
        CifarlabError: If the variable holds no whole number above 0.
    """
    given = os.environ.get(VARIABLE, "").strip()
    if given and not (given.isascii() and given.isdigit() and int(given[:12]) > 0 and len(given) <= 12):
        raise CifarlabError(f"{VARIABLE} is the memory one file may take, in MiB, such as 4096. Received: {given!r}")
    return int(given or DEFAULT_MB) * 2**20


def check_bytes(path: Path | str, announced: int, stored: int = 0) -> None:
    """Refuse a file that announces more than the limit, and more than it holds itself.

    Args:
        path: The file, for the message.
        announced: Bytes that its content would take.
        stored: Bytes of the file: what is as large on the disk as in memory hides nothing, and is what the user has.

    Raises:
        TooLargeError: If it does.
    """
    if announced > max(most_bytes(), stored):
        _refuse(path, f"it announces {_size(announced)} of content in a file of {_size(stored)}", announced)


def check_rows(path: Path | str, count: int) -> None:
    """Refuse predictions or labels of more images than the limit has room for: 2,097,152 by default.

    Raises:
        TooLargeError: If there are more.
    """
    most = most_bytes() // _BYTES_A_ROW
    if count > most:
        _refuse(path, f"it has {count:,} rows, and there is room for {most:,}", count * _BYTES_A_ROW)


def check_cells(path: Path | str, count: int) -> None:
    """Refuse a text of more cells than the limit has room for: 16,777,216 by default.

    Raises:
        TooLargeError: If there are more.
    """
    most = most_bytes() // _BYTES_A_CELL
    if count > most:
        _refuse(path, f"it has {count:,} cells of text, and there is room for {most:,}", count * _BYTES_A_CELL)


def check_text(path: Path | str, size: int) -> None:
    """Refuse a JSON text of more bytes than the limit has room for once it is parsed: 32 MiB by default.

    Raises:
        TooLargeError: If it is longer.
    """
    most = most_bytes() // _BYTES_OF_JSON
    if size > most:
        _refuse(path, f"its text is {_size(size)} long, expected at most {_size(most)}", size * _BYTES_OF_JSON)


def _refuse(path: Path | str, why: str, needed: int) -> None:
    raise TooLargeError(f"{path} is too large: {why}; if you trust the file, set {VARIABLE}={-(-needed // 2**20)}")


def _size(count: int) -> str:
    for unit, size in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if count >= size:
            return f"{count / size:,.1f} {unit}"
    return f"{count:,} bytes"
