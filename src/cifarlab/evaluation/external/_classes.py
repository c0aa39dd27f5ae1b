"""Which classes the columns are, in which order, and which class a label means."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from cifarlab.evaluation.external import _scores
from cifarlab.evaluation.external._names import places_of, plain, whole
from cifarlab.evaluation.external._numbers import MISSING
from cifarlab.evaluation.external._table import Table
from cifarlab.utils.arrays import Array
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.text import counted, few

GIVEN, FILE, COLUMNS, UNNAMED = "given", "file", "columns", "unnamed"
_MOST_SHOWN = 12
_NUMBERED = re.compile(r"(.*?)(\d+)(?:\.0+)?")  # digit_10, class 3, V1, 2.0


@dataclass(frozen=True)
class Classes:
    """The classes of a file.

    Attributes:
        names: In the order of the columns.
        notices: What was assumed.
        source: Where the names are from: `GIVEN` by the caller, `FILE` (an array of names, in the order of the labels),
            `COLUMNS` of text, whose order labels may not share, or `UNNAMED`.
    """

    names: tuple[str, ...]
    notices: tuple[str, ...] = ()
    source: str = "file"


def name_classes(table: Table, given: Sequence[str] | None, truth: Table) -> tuple[Table, Classes]:
    """The table, its columns perhaps in another order, and the names of its classes.

    Args:
        table: With scores.
        given: Names that the caller gives, in the order of the labels.
        truth: What holds the labels, and perhaps names.

    Raises:
        CifarlabError: If the names are too few, twice the same, or contradict those of the file.
    """
    assert table.scores is not None
    count = table.scores.shape[1] if table.scores.ndim == 2 else 0
    given = tuple(map(str, given or ())) or None
    check_names(table, given or table.class_names, count)
    table, notices = _sorted_by_number(table)
    known = table.class_names
    if given:
        if known is not None:
            table, told = _named_anew(table, known, tuple(given))
            notices += told
        return table, Classes(tuple(given), tuple(notices), GIVEN)
    if known is None and truth.class_names is not None and len(truth.class_names) == count:
        return table, Classes(truth.class_names, tuple(notices), FILE)
    names = known or tuple(f"class {index}" for index in range(count))
    source = UNNAMED if known is None else FILE if table.path.suffix.lower() == ".npz" else COLUMNS
    return table, Classes(names, tuple(notices), source)


def class_numbers(values: Array, source: Table, classes: Classes, noun: str = "label") -> tuple[Array, list[str]]:
    """`(M,)` int64, places among the classes, and what was assumed: numbers are places, unless names are numbers.

    Args:
        values: `(M,)` or `(M, 1)` numbers or text; or `(M, K)` with one 1 in each row.
        source: Where they are from.
        classes: What they are to be among.
        noun: What they are, for people.

    Raises:
        CifarlabError: If one is no class.
    """
    values, notices = _flat(values, source, len(classes.names), noun)
    names = classes.names
    if source.class_names is not None and values.dtype.kind in "iuf":
        values = _by_own_names(values, source, names, noun)
    if all(whole(name) for name in names) and names != tuple(map(str, range(len(names)))):
        values = _as_text(values)
        places = places_of(names, set(values.tolist()))
        strange = next((value for value in values.tolist() if value not in places), None)
        if strange is not None:
            raise CifarlabError(
                f"{source.path} has {noun} {strange!r}, and the classes are named {few(names)}: expected one of these, "
                "or give other names with --class-names"
            )
        notices.append(f"The numbers in {source.path.name} are class names ({few(names)}), not places.")
        return np.array([places[value] for value in values.tolist()], np.int64), notices
    if values.dtype.kind == "U":
        values, by_name, told = _from_text(values, source, names, noun)
        notices += told
    else:
        by_name = False
    numbers = _whole_numbers(values, source, noun)
    counted_from = numbers_of(names) if classes.source == COLUMNS and not by_name else None
    if counted_from is not None and min(counted_from) == 1 == numbers.min() and numbers.max() == len(names):
        notices.append(f"Numbers in {source.path.name} count from 1, as the columns do: {_numbered(names, 1)}.")
        numbers = numbers - 1
    _check_range(source, numbers, names, noun)
    elsewhere = numbers_of(names) is None or (counted_from and min(counted_from) == 1 and numbers.min() == 0)
    if classes.source == COLUMNS and not by_name and elsewhere:
        notices.append(f"Class numbers are in the order of the columns: {_numbered(names)}.")
    return numbers, notices


def are_names(values: Array, classes: Classes) -> bool:
    """Whether these name the classes, not their places; one-hot rows do, as each has a place for each class."""
    if values.ndim == 2 and 1 not in values.shape:
        return True
    names = classes.names if classes.source != UNNAMED else ()
    values = values.ravel()
    if values.dtype.kind == "S":
        values = values.astype(str)
    every = set((_as_text(values) if values.dtype.kind in "iufU" else values.astype(str)).tolist())
    return len(places_of(names, every)) == len(every)


def check_names(table: Table, names: Sequence[str] | None, count: int) -> None:
    if names is not None and (len(names) != count or len(set(names)) != count):
        twice = next((name for name in names if list(names).count(name) > 1), None)
        received = f"{twice!r} twice" if twice else str(len(names))
        raise CifarlabError(
            f"{table.path} has {counted(count, 'class', 'classes')}: expected as many different names. "
            f"Received: {received}"
        )


def _sorted_by_number(table: Table) -> tuple[Table, list[str]]:
    """Columns 0, 1, 10, 2 or class_2, class_1 in the order of their numbers."""
    names = table.class_names
    numbers = numbers_of(names or ())
    if names is None or numbers is None or numbers == sorted(numbers):
        return table, []
    order = tuple(names[place] for place in np.argsort(numbers))
    told = f"Columns of {table.path.name} are taken in the order of their numbers: {few(order)}."
    return replace(table, scores=_scores.in_order(table, order), class_names=order), [told]


def numbers_of(names: Sequence[str]) -> list[int] | None:
    """The numbers in names that share all else and count from 0 or 1 in some order, as `V1`, `V2`; None in others."""
    found = [_NUMBERED.fullmatch(name) for name in names]
    if not found or not all(found) or len({plain(match[1]) for match in found if match}) > 1:
        return None
    numbers = [int(match[2]) for match in found if match]
    return numbers if sorted(numbers) in (list(range(len(names))), list(range(1, len(names) + 1))) else None


def _named_anew(table: Table, known: tuple[str, ...], given: tuple[str, ...]) -> tuple[Table, list[str]]:
    """Columns in the order of the given names where these are theirs; other names rename the columns as they stand."""
    places = places_of(known, given)
    if len(places) == len(given) == len(set(places.values())):
        order = tuple(known[places[name]] for name in given)
        told = [] if order == known else [f"Columns of {table.path.name} are taken in the order {few(given)}."]
        return replace(table, scores=_scores.in_order(table, order), class_names=given), told
    if places:
        raise CifarlabError(
            f"{table.path} has columns {few(known)}, and --class-names only some of these ({few(tuple(places))}): "
            "expected all of them in the order of the labels, or none"
        )
    default = numbers_of(known) is not None
    told = [] if default else [f"Columns {few(known)} of {table.path.name} are renamed: {few(given)}."]
    return replace(table, class_names=given), told


def _flat(values: Array, source: Table, count: int, noun: str) -> tuple[Array, list[str]]:
    if values.ndim == 2 and 1 in values.shape:  # as Keras stores them, or Matlab
        values = values.ravel()
    one_hot = values.ndim == 2 and values.shape[1] == count and values.dtype.kind in "biuf"
    if one_hot and np.isin(values, (0, 1)).all() and (values.sum(axis=1) == 1).all():
        return values.argmax(axis=1), [f"{source.path.name} has one-hot {noun}s: the place of the 1 is the class."]
    if values.ndim != 1:
        raise CifarlabError(f"{source.path}: expected {noun}s of shape (images,). Received: shape {values.shape}")
    if values.dtype.kind == "b" and count == 2:
        return values.astype(np.int64), [f"In {source.path.name} False is class 0 and True is class 1."]
    return (values.astype(str) if values.dtype.kind == "S" else values), []


def _by_own_names(values: Array, source: Table, names: tuple[str, ...], noun: str) -> Array:
    """Numbers of a file that names its own classes, as those names."""
    own = source.class_names
    assert own is not None
    numbers = _whole_numbers(values, source, noun)
    _check_range(source, numbers, own, noun)
    if len(places_of(names, own)) != len(own):
        raise CifarlabError(
            f"{source.path} names its classes {few(own)}, the predictions {few(names)}: expected the same"
        )
    return np.array(own, str)[numbers]


def _as_text(values: Array) -> Array:
    if values.dtype.kind in "iu" or (values.dtype.kind == "f" and (values == np.floor(values)).all()):
        return values.astype(np.int64).astype(str)
    return np.array([str(int(float(value))) if whole_value(value) else value for value in values.astype(str)], str)


def _from_text(values: Array, source: Table, names: tuple[str, ...], noun: str) -> tuple[Array, bool, list[str]]:
    """Float64 places, whether they were names, and what was assumed."""
    every = sorted(set(values.tolist()))
    places = places_of(names, every)
    strange = [value for value in every if value not in places]
    if not strange:
        inexact = [value for value in every if value not in names]
        told = [f"{source.path.name}: {inexact[0]!r} counts as class {names[places[inexact[0]]]!r}."] if inexact else []
        return np.array([places[value] for value in values.tolist()], np.float64), True, told
    odd = next((value for value in strange if not _number_like(value)), strange[0] if places else None)
    if odd is not None:
        row = values.tolist().index(odd)
        raise CifarlabError(
            f"{source.path} has {noun} {odd!r}: expected a class number or one of {few(names)}; it is number {row:,}"
        )
    return values.astype(np.float64), False, []


def _whole_numbers(values: Array, source: Table, noun: str) -> Array:
    if values.dtype.kind not in "iuf" or not np.array_equal(values, np.floor(values)):
        raise CifarlabError(f"{source.path}: expected {noun}s that are whole numbers. Received: {values.dtype}")
    if values.size and np.abs(values.astype(np.float64)).max() > 2**31:
        raise CifarlabError(f"{source.path}: expected {noun}s that are class numbers. Received: {values.max()}")
    return np.asarray(values, np.int64)


def _check_range(source: Table, numbers: Array, names: tuple[str, ...], noun: str) -> None:
    count = len(names)
    wrong = np.flatnonzero((numbers < 0) | (numbers >= count))
    if len(wrong):
        received = f"{numbers[wrong[0]]} (number {wrong[0]:,})"
        from_one = numbers.min() == 1 and numbers.max() == count
        hint = (
            f"; they go from 1 to {count}, as in R and Matlab: subtract 1, or say --class-names 1,2,..."
            if from_one
            else ""
        )
        raise CifarlabError(f"{source.path} has {noun} {received}: expected 0 to {count - 1} for {count} classes{hint}")


def refuse_missing(source: Table, values: Sequence[str]) -> None:
    missing = [value for value in values if value.casefold() in MISSING]
    if missing:
        raise CifarlabError(
            f"{source.path} has {missing[0]!r} where a class is expected: fill it in, or leave out the row"
        )


def _number_like(value: str) -> bool:
    return re.fullmatch(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?", value) is not None


def whole_value(value: str) -> bool:
    return _number_like(value) and float(value).is_integer()


def _numbered(names: Sequence[str], start: int = 0) -> str:
    shown = [f"{place} is {name}" for place, name in enumerate(names[:_MOST_SHOWN], start)]
    return ", ".join(shown) + (", ..." if len(names) > _MOST_SHOWN else "")
