"""Text taken apart: encoding, separator, comments and rows, as pandas, Excel, R and NumPy write them."""

import codecs
import csv
import io
import itertools
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from cifarlab.evaluation.external._names import LABEL, role
from cifarlab.evaluation.external._numbers import looks_numeric
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.limits import check_bytes, check_cells, check_rows
from cifarlab.utils.text import counted

_MARKS = (  # UTF-32 first: its little-endian mark begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"), (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
_BINARY = {b"PK\x03\x04": "an Excel workbook or another archive", b"PAR1": "Parquet", b"\x1f\x8b": "compressed"}
_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "spaces"}
_CHARACTER = 8  # bytes of memory for each of the file: its text, its lines, and the table joined again
_SAMPLE = 60  # rows that the separator is chosen by


@dataclass(frozen=True)
class Cells:
    """A table of text.

    Attributes:
        rows: At least one; cells without the space around them, as many in each row.
        lines: Line of the file of each row, from 1.
        comment: The cells of the comment just before the first row, where there are as many as in that row.
        surely_header: The first row is a header, because the rows below have one cell more.
        notices: What was assumed.
    """

    path: Path
    rows: list[list[str]]
    lines: list[int]
    comment: list[str] | None = None
    surely_header: bool = False
    notices: tuple[str, ...] = ()


def read_cells(path: Path) -> Cells:
    """Read a table of text.

    Raises:
        CifarlabError: If the file is empty, no text, or its rows have different numbers of cells.
    """
    text, notices = _decode(path)
    lines = text.splitlines() if "\n" not in text and "\r" not in text else re.split(r"\r\n|\n|\r", text)
    separator, skip = _named_separator(lines)
    comments, lines_left = _split_comments(path, lines[skip:])
    if not any(line.strip() for line in lines_left):
        raise CifarlabError(f"{path} is empty")
    separator = separator or _choose_separator(lines_left)
    rows, numbers = _parse(path, lines_left, separator, skip)
    if separator not in ",\t" and len(rows[0]) > 1:
        notices.append(f"{path.name} is separated by {_SEPARATORS.get(separator, repr(separator))}.")
    rows, surely = _even(path, rows, numbers)
    if len(rows[0]) == 1:
        _check_no_gap(path, lines_left, numbers)
    comment = _split(comments[-1].lstrip("# "), separator) if comments else None
    if comments:
        notices.append(f"{counted(len(comments), 'comment')} of {path.name} left out.")
    fits = comment is not None and len(comment) == len(rows[0]) > 1
    return Cells(path, rows, numbers, comment if fits else None, surely, tuple(notices))


def _decode(path: Path) -> tuple[str, list[str]]:
    check_bytes(path, path.stat().st_size * _CHARACTER)
    data = path.read_bytes()
    check_cells(path, data.count(b"\n") + sum(data.count(mark.encode()) for mark in _SEPARATORS))
    check_rows(path, data.count(b"\n"))
    for start, what in _BINARY.items():
        if data.startswith(start):
            raise CifarlabError(f"{path} is {what}, not text: export it as csv (UTF-8), npy or npz")
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), None)
    if encoding is None and b"\0" in data[:200]:  # Latin text in UTF-16 has a zero in every other byte
        encoding = "utf-16-le" if data[1:2] == b"\0" else "utf-16-be"
    try:
        return data.decode(encoding or "utf-8"), []
    except UnicodeDecodeError as error:
        if encoding is not None:
            raise CifarlabError(
                f"cannot read {path}: it is no {encoding} ({error.reason}); save it as UTF-8"
            ) from error
    try:
        return data.decode("cp1252"), [f"{path.name} is no UTF-8 and was read as Windows-1252."]
    except UnicodeDecodeError as error:
        raise CifarlabError(f"cannot read {path}: it is neither UTF-8 nor Windows-1252; save it as UTF-8") from error


def _named_separator(lines: list[str]) -> tuple[str | None, int]:
    """What Excel's first line `sep=;` names, and how many lines that takes."""
    found = re.fullmatch(r'"?sep=(.)"?', lines[0].strip(" \r\n")) if lines else None
    return (found[1], 1) if found else (None, 0)


def _split_comments(path: Path, lines: list[str]) -> tuple[list[str], list[str]]:
    """Comments before and after the table, and all lines with comments emptied, so that their numbers stay.

    One amid the rows is refused: it may be an image.
    """
    filled = [index for index, line in enumerate(lines) if line.strip() and not line.lstrip().startswith("#")]
    found = [index for index, line in enumerate(lines) if line.lstrip().startswith("#")]
    amid = [index for index in found if filled and filled[0] < index < filled[-1]]
    if amid:
        raise CifarlabError(
            f"{path} has a line that begins with # amid the rows, row {amid[0] + 1:,}: expected comments before or "
            "after the table; take it out, or put the cell into another column"
        )
    before = [lines[index] for index in found if not filled or index < filled[0]]
    after = [lines[index] for index in found if filled and index > filled[-1]]
    return after + before, ["" if line.lstrip().startswith("#") else line for line in lines]


def _choose_separator(lines: list[str]) -> str:
    """The one that makes most cells below the first row numbers, then the one that makes most cells."""
    sample = [line for line in lines if line.strip()][:_SAMPLE]

    def worth(separator: str) -> tuple[float, bool, int]:
        rows = [_split(line, separator) for line in sample]
        body = rows[1:] or rows
        widths = Counter(len(row) for row in body)
        cells = [cell for row in body for cell in row if cell]
        numeric = sum(looks_numeric(cell, comma=separator != ",") for cell in cells) / max(1, len(cells))
        width = widths.most_common(1)[0][0]
        if separator == " " and not _spaces_separate(rows, numeric * width):
            return 0.0, False, 0
        return (numeric if width > 1 else 0.0), len(widths) == 1 and width > 1, width

    return max(_SEPARATORS, key=worth)


def _spaces_separate(rows: list[list[str]], numbers_a_row: float) -> bool:
    """Spaces stand inside class names too: they separate numbers, or columns under a header that names them."""
    header = rows[0]
    named = any(role(cell) == LABEL for cell in header) and not any(looks_numeric(cell) for cell in header)
    numbered = [row[0] for row in rows[1:]] == [str(place) for place in range(1, len(rows))]
    of_r = len(rows) > 1 and len(header) == 1 and numbered and all(len(row) == 2 for row in rows[1:])  # write.table
    return numbers_a_row >= 2 or (named and len(header) > 1) or of_r


def _split(line: str, separator: str) -> list[str]:
    rows = list(csv.reader([_squeeze(line) if separator == " " else line], delimiter=separator, skipinitialspace=True))
    return [cell.strip() for cell in rows[0]] if rows else []


def _squeeze(line: str) -> str:
    return re.sub(r"[ \t]+", " ", line.strip())


def _parse(path: Path, lines: list[str], separator: str, skip: int) -> tuple[list[list[str]], list[int]]:
    rows: list[list[str]] = []
    numbers: list[int] = []
    text = "\n".join(_squeeze(line) for line in lines) if separator == " " else "\n".join(lines)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True, strict=True)
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells) or len(cells) > 1:
                rows.append(cells)
                numbers.append(reader.line_num + skip)
    except csv.Error as error:
        raise CifarlabError(
            f"cannot read {path}: row {reader.line_num + skip:,} is broken ({error}); check its quotes"
        ) from error
    filled = [index for index, row in enumerate(rows) if any(row)]
    rows, numbers = rows[: filled[-1] + 1], numbers[: filled[-1] + 1]  # Excel ends with rows of separators alone
    return rows, numbers


def _even(path: Path, rows: list[list[str]], lines: list[int]) -> tuple[list[list[str]], bool]:
    """Rows of one width, and whether the first is a header for certain; empty columns at the end are dropped."""
    header, body = rows[0], rows[1:]
    width = len(body[0]) if body else len(header)
    uneven = next((index for index, row in enumerate(body) if len(row) != width), None)
    if uneven is None and body:
        if len(header) == width - 1 and all(not row[-1] for row in body):
            body, width = [row[:-1] for row in body], width - 1
        elif len(header) == width - 1:  # as R's write.table does: the row names have no header
            return [["", *header], *body], True
        elif len(header) == width + 1 and not header[-1]:
            header = header[:-1]
        elif len(header) != width:
            uneven = 0
    if uneven is not None:
        row = body[uneven]
        if len(row) == len(header):
            row = body[0]
            uneven = 0
        raise CifarlabError(
            f"{path} has {counted(len(row), 'column')} in row {lines[uneven + 1]:,} and {len(header):,} in the first"
        )
    return _drop_empty_end([header, *body]), False


def _drop_empty_end(rows: list[list[str]]) -> list[list[str]]:
    while len(rows[0]) > 1 and not any(row[-1] for row in rows):
        rows = [row[:-1] for row in rows]
    return rows


def _check_no_gap(path: Path, lines: list[str], numbers: list[int]) -> None:
    """A blank line amid single values may be a missing one: taken out, all below would move up."""
    filled = [index for index, line in enumerate(lines) if line.strip()]
    gap = next((one + 1 for one, two in itertools.pairwise(filled) if two > one + 1), None)
    if gap is not None and numbers[-1] > gap:
        raise CifarlabError(f"{path} has an empty row {gap + 1:,} amid its values: expected a value in each")
