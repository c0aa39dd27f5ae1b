"""A table of text from a CSV or Parquet file, bounded before it is believed."""

import codecs
import csv
import importlib
import importlib.util
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.limits import check_bytes, check_cells, check_rows
from cifarlab.utils.text import few

_SEPARATORS = ",;\t|"
_PARQUET = b"PAR1"
_OTHERS = {b"PK\x03\x04": "an Excel workbook or another archive", b"\x1f\x8b": "compressed", b"\x89PNG": "a picture"}
_CHARACTER_BYTES = 8  # of memory for each byte of a CSV: its text, and the table taken apart
_LONGEST_CELL = 4096


@dataclass(frozen=True)
class Rows:
    """Columns of a table, as text.

    Attributes:
        columns: Column name to its N cells, without the space around them.
        numbers: N row numbers as a spreadsheet counts them, the header being 1.
    """

    columns: dict[str, list[str]]
    numbers: list[int]


def read_rows(path: Path, choose: Callable[[Sequence[str]], list[str]]) -> Rows:
    """Read some columns of a table.

    Args:
        path: A CSV, separated by commas, semicolons, tabs or bars, or a Parquet file.
        choose: Called with the names of all columns; returns those to read.

    Raises:
        CifarlabError: If it cannot be read, is no table, a row has another number of cells than the header, or pyarrow
            is missing for Parquet.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(4)
            if start == _PARQUET:
                return _read_parquet(path, choose)
            for signature, what in _OTHERS.items():
                if start.startswith(signature):
                    raise CifarlabError(f"{path} is {what}: expected a CSV or Parquet file; save it as CSV in UTF-8")
            check_bytes(path, size * _CHARACTER_BYTES)
            data = start + file.read()
    except OSError as error:
        expected = "expected a CSV or Parquet file of paths and labels"
        raise CifarlabError(f"cannot read the table {path}: {error.strerror or error}; {expected}") from error
    check_rows(path, data.count(b"\n"))
    check_cells(path, sum(data.count(mark.encode()) for mark in _SEPARATORS) + data.count(b"\n"))
    return _read_csv(path, _decode(path, data), choose)


def _decode(path: Path, data: bytes) -> str:
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return data.decode("utf-16" if wide else "utf-8-sig")  # spreadsheets begin a file with a mark
    except UnicodeDecodeError as error:
        row = 1 + data[: error.start].count(b"\n")
        raise CifarlabError(f"{path}, row {row}: it is not UTF-8 text; save it as CSV in UTF-8") from error


def _read_csv(path: Path, text: str, choose: Callable[[Sequence[str]], list[str]]) -> Rows:
    header: list[str] = []
    number, places, kept, numbers = 0, dict[str, int](), dict[str, list[str]](), list[int]()
    try:
        for number, cells in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=separator(text)), 1):
            if not any(cell.strip() for cell in cells):
                continue
            if not header:
                header = [cell.strip() for cell in cells]
                places = _places(path, header, choose(header))
                kept = {name: [] for name in places}
                continue
            if len(cells) != len(header):
                wrong = f"it has {len(cells)} cells, the header {len(header)}"
                raise CifarlabError(f"{path}, row {number}: {wrong}; mend it or take it out")
            numbers.append(number)
            for name, place in places.items():
                kept[name].append(cells[place].strip())
    except csv.Error as error:
        raise CifarlabError(f"{path}, row {number + 1}: it is no CSV ({error}); save it as CSV in UTF-8") from error
    return _checked(path, Rows(kept, numbers))


def separator(text: str) -> str:
    """The one that makes the most of the header: `csv.Sniffer` is led astray by what stands in the cells."""
    first = next((line for line in io.StringIO(text) if line.strip()), "")
    return max(_SEPARATORS, key=lambda mark: len(next(csv.reader([first], delimiter=mark))))


def _places(path: Path, header: Sequence[str], names: Sequence[str]) -> dict[str, int]:
    twice = next((name for name in names if list(header).count(name) > 1), None)
    if twice is not None:
        raise CifarlabError(f"{path} has two columns {twice!r}: rename one of them")
    return {name: header.index(name) for name in names}


def _read_parquet(path: Path, choose: Callable[[Sequence[str]], list[str]]) -> Rows:
    if importlib.util.find_spec("pyarrow") is None:
        advice = "install pyarrow (pip install 'cifarlab[parquet]'), or save it as CSV"
        raise CifarlabError(f"{path} is a Parquet file, which needs pyarrow, which is not installed: {advice}")
    pyarrow, parquet = importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    try:
        with parquet.ParquetFile(path) as file:
            schema, count = file.schema_arrow, file.metadata.num_rows
            names = list(_places(path, schema.names, choose(schema.names)))
            check_rows(path, count)
            for name in names:
                _check_kind(path, name, schema.field(name).type, pyarrow)
            # Texts stay references into a dictionary: a small file may say one long text a million times.
            texts = [name for name in names if not _is_number(schema.field(name).type, pyarrow)]
        with parquet.ParquetFile(path, read_dictionary=texts) as file:
            table = file.read(columns=names)
        columns = {name: _texts(path, name, table.column(name), pyarrow) for name in names}
    except (pyarrow.ArrowException, MemoryError) as error:
        reason = str(error).splitlines()[0]
        raise CifarlabError(
            f"{path} is a damaged Parquet file ({reason}): write it again, or save it as CSV"
        ) from error
    return _checked(path, Rows(columns, list(range(2, count + 2))))


def _is_number(kind: Any, pyarrow: Any) -> bool:
    types = pyarrow.types
    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind))


def _check_kind(path: Path, name: str, kind: Any, pyarrow: Any) -> None:
    types = pyarrow.types
    inner = kind.value_type if types.is_dictionary(kind) else kind
    if not (types.is_string(inner) or types.is_large_string(inner) or _is_number(inner, pyarrow)):
        raise CifarlabError(f"{path}: its column {name!r} holds {kind}; expected texts or numbers")


def _texts(path: Path, name: str, column: Any, pyarrow: Any) -> list[str]:
    """A column's cells as text, nothing where a value is missing."""
    texts: list[str] = []
    for chunk in column.chunks:
        if pyarrow.types.is_dictionary(chunk.type):
            values = [_text(value) for value in chunk.dictionary.to_pylist()]
            _check_length(path, name, values)
            texts += ["" if index is None else values[index] for index in chunk.indices.to_pylist()]
        else:
            texts += [_text(value) for value in chunk.to_pylist()]
    return texts


def _text(value: object) -> str:
    """As a CSV has it; whole numbers that became floats beside a missing one stay whole."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None or value != value else str(value).strip()


def _checked(path: Path, rows: Rows) -> Rows:
    if not rows.numbers:
        raise CifarlabError(f"{path} has no rows: expected a header, and a row for each picture")
    for name, cells in rows.columns.items():
        _check_length(path, name, cells)
    return rows


def _check_length(path: Path, name: str, cells: Sequence[str]) -> None:
    long = next((cell for cell in cells if len(cell) > _LONGEST_CELL), None)
    if long is not None:
        begin = few([long[:40]])
        raise CifarlabError(
            f"{path}: column {name!r} has a text of {len(long):,} characters ({begin}...): expected {_LONGEST_CELL:,} "
            "at most"
        )
