"""Which column of a table of text is what: a class, the true or the predicted one, an id, an index or no such thing."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cifarlab.evaluation.external import _numbers
from cifarlab.evaluation.external._column import CLASS, Column
from cifarlab.evaluation.external._header import split_header
from cifarlab.evaluation.external._names import (
    EXTRA,
    ID,
    INDEX,
    LABEL,
    OTHER,
    PREDICTED,
    role,
    twice_but_for_affix,
    without_affix,
)
from cifarlab.evaluation.external._one_hot import read_one_hot
from cifarlab.evaluation.external._table import Key, Table
from cifarlab.evaluation.external._text import Cells
from cifarlab.utils.arrays import Array
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.text import counted

_GUESSED = re.compile(r"probability[ _.-]?\d+", re.IGNORECASE)
_FEWEST = 3  # rows: 0 and 1 below each other may be anything, 0, 1, 2 count


def read_columns(cells: Cells, wanted: Sequence[str] | None = None) -> Table:
    """A table whose columns have been told apart.

    Args:
        cells: The table.
        wanted: Names of the classes; columns of these names are classes, whatever else they could be.

    Raises:
        CifarlabError: If a column could be several things, has cells that are no numbers, or is not known.
    """
    header, body, lines, notices = split_header(cells)
    columns = _columns(cells, header, body, wanted or ())
    left_out = [column for column in columns if column.role in (EXTRA, OTHER)]
    for column in [column for column in columns if column.role == INDEX]:
        notices.append(f"{_title(cells, column)} left out: it numbers the rows.")
    if left_out:
        titles = ", ".join(repr(column.name) if column.name else column.title for column in left_out)
        notices.append(f"{cells.path.name}: {titles} left out: no {'class' if len(left_out) == 1 else 'classes'}.")
    table = Table(
        cells.path,
        labels=_only(cells, columns, LABEL),
        predicted=_only(cells, columns, PREDICTED),
        first_may_be_header=header is None and len(columns) == 1 and columns[0].values[0] == "0",
        keys=_keys(columns),
        notices=(*cells.notices, *notices),
    )
    classes = [column for column in columns if column.role == CLASS]
    return _with_classes(table, classes, lines, wanted or ()) if classes else table


def read_label_columns(cells: Cells) -> Table:
    """A table of true classes: one column, perhaps beside ids, an index or others that are known to be neither.

    Raises:
        CifarlabError: If it cannot be told which column the true classes are in.
    """
    header, body, _, notices = split_header(cells, single_values=True)
    columns = _columns(cells, header, body, (), scores=False)
    named = [column for column in columns if column.role == LABEL]
    rest = named or [column for column in columns if column.role == CLASS]
    if not named and (spelled := read_one_hot(rest)) is not None:
        told = f"{cells.path.name} has a column for each class; the one with 1 is the label."
        return Table(cells.path, labels=spelled, keys=_keys(columns), notices=(*cells.notices, told))
    if len(rest) != 1:
        found = ", ".join(column.name or column.title for column in rest) or "none"
        raise CifarlabError(
            f"{cells.path} has {counted(len(columns), 'column')}: expected one, or a header with label and perhaps id, "
            f"or one-hot columns. Received columns that may be the label: {found}"
        )
    columns = [
        replace(column, role=OTHER) if column is not rest[0] and column.role == CLASS else column for column in columns
    ]
    dropped = [column for column in columns if column is not rest[0] and column.role not in (ID, INDEX)]
    if dropped:
        notices.append(f"{cells.path.name}: labels are {rest[0].title}; the other columns left out.")
    return Table(
        cells.path,
        labels=rest[0].cells,
        keys=_keys(columns),
        first_may_be_header=header is None and len(columns) == 1 and rest[0].values[0] == "0",
        notices=(*cells.notices, *notices),
    )


def _columns(
    cells: Cells, header: list[str] | None, body: list[list[str]], wanted: Sequence[str], scores: bool = True
) -> list[Column]:
    names = header or [""] * len(body[0])
    twice = [name for name, times in Counter(name for name in names if name).items() if times > 1]
    if twice:
        raise CifarlabError(f"{cells.path} has two columns named {twice[0]!r}: expected different names")
    mark = _numbers.decimal_mark((cell for row in body for cell in row), str(cells.path))
    all_wanted = bool(wanted) and set(wanted) <= set(names)  # then no other column is a class
    guesses = any(_GUESSED.fullmatch(name) for name in names)  # then numbers under class_1 are names of classes
    found = []
    for place, (name, values) in enumerate(zip(names, zip(*body, strict=True), strict=True)):
        numbers, missing, percent = _numbers.parse(values, mark)
        column = Column(name, values, numbers, missing, percent, CLASS, place)
        alone = len(names) == 1 or (cells.surely_header and len(names) == 2 and place == 1)  # beside R's row names
        if name in wanted or (alone and role(name) not in (LABEL, PREDICTED)):
            what: str | None = CLASS
        elif guesses and role(name, text=True) in (PREDICTED, EXTRA):
            what = role(name, text=True)
        else:
            what = _role(column, header is not None, len(names))
        if all_wanted and name not in wanted and what in (None, CLASS):
            what = OTHER
        if what is None and scores:
            raise CifarlabError(f"{cells.path}: {column.title} {_no_class(column)}; take it out, or name it")
        found.append(replace(column, role=what or CLASS))
    return found


def _role(column: Column, has_header: bool, width: int) -> str | None:
    """What a column is by its name and cells; None where it is not known."""
    by_name = role(column.name, text=len(column.missing) == len(column.values))
    if not column.missing and not column.whole and by_name != EXTRA:
        return CLASS if column.name or not has_header else None  # fractions are no ids, labels or row numbers
    if by_name == INDEX or (has_header and not column.name):
        if column.distinct:
            return INDEX if column.whole else ID
        return CLASS if column.name and column.whole else None
    if by_name is not None:
        return by_name
    if width > 1 and column.whole and _counts_rows(column.numbers):
        return INDEX
    if column.missing and not has_header and width > 1:
        return ID if column.distinct and column.place == 0 else None
    missing_alone = all(column.values[row].casefold() in _numbers.MISSING for row in column.missing)
    return CLASS if width == 1 or missing_alone or len(column.missing) < len(column.values) else None


def _counts_rows(numbers: NDArray[np.float64]) -> bool:
    return len(numbers) >= _FEWEST and numbers[0] in (0, 1) and bool((np.diff(numbers) == 1).all())


def _no_class(column: Column) -> str:
    if not column.name and not column.missing:
        return "has no name, and its numbers are no row numbers"
    cell = column.values[column.missing[0] if column.missing else 0]
    return f"holds {cell!r}, which is no number: expected classes, id, label or prediction"


def _title(cells: Cells, column: Column) -> str:
    return f"{cells.path.name}: {column.title if column.name else f'{column.title}, which has no name,'}"


def _keys(columns: Sequence[Column]) -> tuple[Key, ...]:
    """What tells the rows apart: ids and row names, and of other columns those without fractions or repetition."""
    return tuple(
        Key(column.name, column.cells, column.role)
        for column in columns
        if column.role in (ID, INDEX) or (column.role == OTHER and column.distinct and _names_rows(column))
    )


def _names_rows(column: Column) -> bool:
    return len(column.values) > 1 and (column.whole or len(column.missing) == len(column.values))


def _only(cells: Cells, columns: Sequence[Column], what: str) -> Array | None:
    found = [column for column in columns if column.role == what]
    if len(found) > 1:
        raise CifarlabError(
            f"{cells.path} has {found[0].title} and {found[1].title}: both may be the {what} class; leave one out"
        )
    return found[0].cells if found else None


def _with_classes(table: Table, classes: list[Column], lines: list[int], wanted: Sequence[str]) -> Table:
    broken = next((column for column in classes if column.missing), None)
    if len(classes) == 1 and table.predicted is None and (broken or classes[0].whole):
        if table.labels is not None:
            raise CifarlabError(
                f"{table.path} has labels and {classes[0].title}: name that prediction if it holds "
                "predicted classes, else take it out"
            )
        return replace(table, predicted=classes[0].cells)  # one column of classes, not of scores
    if broken:
        row = broken.missing[0]
        raise CifarlabError(
            f"cannot read {table.path}: row {lines[row]:,}, {broken.title} holds {broken.values[row]!r}: "
            "expected a number"
        )
    if len(classes) == 1 and table.predicted is not None:
        raise CifarlabError(
            f"{table.path} has predicted classes and {classes[0].title}, which is not known: take it out, or name it "
            "id if it names the images"
        )
    _check_whole(table, classes, wanted)
    percent = {column.percent for column in classes}
    if len(percent) > 1:
        raise CifarlabError(f"{table.path} has percent signs in some columns only: expected them in all or none")
    names: tuple[str, ...] | None = tuple(column.name for column in classes)
    twin = twice_but_for_affix([column.name for column in classes])
    if twin:
        raise CifarlabError(f"{table.path} has a class in two columns, {twin[0]!r} and {twin[1]!r}: leave one kind out")
    names, word = without_affix(names) if names and all(names) else (None, None)
    notices = [f"Percentages of {table.path.name} read as probabilities."] if percent == {True} else []
    kind = None if word is None else "logits" if word.startswith("logit") else "probabilities"
    scores = np.stack([column.numbers for column in classes], axis=1)  # (N, K)
    return replace(table, scores=scores, kind=kind, class_names=names, notices=(*table.notices, *notices))


def _check_whole(table: Table, classes: Sequence[Column], wanted: Sequence[str]) -> None:
    """A column of other whole numbers than 0 and 1 beside fractions is an age, a fold or a label, hardly a class."""
    chances = all(((column.numbers >= 0) & (column.numbers <= 1)).all() for column in classes if not column.whole)
    usual = (0, 1) if chances else (0,)  # a class may be certain, or impossible, in each image
    beyond = [column for column in classes if column.whole and not np.isin(column.numbers, usual).all()]
    strange = [column for column in beyond if column.name not in wanted]
    if strange and any(not column.whole for column in classes) and len(strange[0].values) >= _FEWEST:
        raise CifarlabError(
            f"{table.path}: {strange[0].title} holds whole numbers and the others fractions, so that it may be "
            "no class: take it out, name it id or label, or name the classes with --class-names"
        )
