"""`history.csv`: one line of numbers an epoch, checked."""

import csv
import io
from pathlib import Path

from cifarlab.utils.errors import CifarlabError, say_error
from cifarlab.utils.files import read_text

_NUMBER = "epoch"
_MEND = "restore it, or remove it: a training that goes on writes it again"


def read_history(path: Path) -> list[dict[str, float]]:
    """One dictionary an epoch, numbers only, without what is empty.

    Raises:
        CifarlabError: If the file cannot be read, has no header or no epoch, or its epochs are numbered otherwise than
            1, 2, 3, ...
    """
    text = read_text(path, _MEND)
    try:
        return _rows(text)
    except (ValueError, csv.Error) as error:
        reason = say_error(error)
        raise CifarlabError(f"cannot read {path}: expected numbers under a header ({reason}); {_MEND}") from error


def _rows(text: str) -> list[dict[str, float]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    names = list(reader.fieldnames or [])
    if not names or not all(name.isidentifier() for name in names) or len(set(names)) != len(names):
        raise ValueError(f"its first line is {text.partition(chr(10))[0][:80]!r}")
    rows = []
    for row in reader:
        line = f"line {reader.line_num}"
        if None in row or None in row.values():
            raise ValueError(f"{line} has another number of cells than the header")
        try:
            rows.append({key: float(value) for key, value in row.items() if value})
        except ValueError as error:
            raise ValueError(f"{line}: {say_error(error)}") from error
        if rows[-1].setdefault(_NUMBER, len(rows)) != len(rows):  # one that is not told follows from the order
            raise ValueError(f"{line} is epoch {rows[-1][_NUMBER]:g}, expected {len(rows)}")
    if not rows:  # it is written with its first epoch: a report of none would be wrong
        raise ValueError("there is none")
    return rows
