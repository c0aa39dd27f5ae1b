"""Which classes the columns are, in which order, and which class a label means."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from cifarlab.evaluation.external import _scores
from cifarlab.evaluation.external._names import places_of, whole
from cifarlab.evaluation.external._numbers import MISSING
from cifarlab.evaluation.external._table import Table
from cifarlab.utils.arrays import Array
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.text import counted, few

_MOST_SHOWN = 12
_MOST_CLASSES = 100_000
_NUMBERED = re.compile(r"(?:class|label|c|x|v)?[ _.\-]*(\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class Classes:
    """The classes of a file.

    Attributes:
        names: In the order of the columns.
        notices: What was assumed.
        named_by_columns: The names come from the columns of a table of text, whose order labels may not share.
    """

    names: tuple[str, ...]
    notices: tuple[str, ...] = ()
    named_by_columns: bool = False


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
    _check_names(table, given or table.class_names, count)
    table, notices = _sorted_by_number(table)
    known = table.class_names
    if given:
        if known is not None:
            table, told = _named_anew(table, known, tuple(given))
            notices += told
        return table, Classes(tuple(given), tuple(notices))
    if known is None and truth.class_names is not None and len(truth.class_names) == count:
        return table, Classes(truth.class_names, tuple(notices))
    names = known or tuple(f"class {index}" for index in range(count))
    return table, Classes(names, tuple(notices), named_by_columns=known is not None and table.path.suffix != ".npz")


def gather_classes(table: Table, given: Sequence[str] | None, truth: Table) -> Classes:
    """The classes where only the predicted ones are known: those that are given, or all that occur.

    Raises:
        CifarlabError: If predictions are names and labels numbers, or the other way round, so that names are needed.
    """
    assert table.predicted is not None
    assert truth.labels is not None
    names = tuple(map(str, given or table.class_names or truth.class_names or ()))
    if names:
        _check_names(table, names, len(names))
        return Classes(names)
    values = [sorted(set(np.asarray(part).ravel().astype(str).tolist())) for part in (table.predicted, truth.labels)]
    _refuse_missing(table, values[0])
    _refuse_missing(truth, values[1])
    numeric = [all(_whole_value(value) for value in part) for part in values]
    if numeric[0] != numeric[1]:
        raise CifarlabError(
            f"{table.path} and {truth.path} have names on one side and numbers on the other: say with --class-names "
            "A,B,... which class each number is"
        )
    return _numbered_classes(table, truth, values) if numeric[0] else _occurring_classes(table, truth, values)


def _occurring_classes(table: Table, truth: Table, values: list[list[str]]) -> Classes:
    """All names that are predicted or true; case and spaces make no class of their own."""
    known = places_of(values[1], values[0])
    others = [value for value in values[0] if value not in known]
    if not known:
        raise CifarlabError(
            f"{table.path} has {values[0][0]!r} and {truth.path} {values[1][0]!r}: expected the same names in both"
        )
    every = tuple(sorted([*values[1], *others]))
    told = [f"Predicted, but no label in {truth.path.name}: {few(others)}."] if others else []
    return Classes(every, (f"Classes are all names that occur: {few(every)}.", *told))


def _numbered_classes(table: Table, truth: Table, values: list[list[str]]) -> Classes:
    said, true = ([int(float(value)) for value in part] for part in values)
    for one, other, first, second in ((truth, table, true, said), (table, truth, said, true)):
        if min(second) == 0 and min(first) == 1 and max(first) == max(second) + 1:
            raise CifarlabError(
                f"{one.path} has classes from 1 to {max(first)} and {other.path} from 0 to {max(second)}: "
                "begin both at 0"
            )
        if max(first) > _MOST_CLASSES:
            raise CifarlabError(f"{one.path} has class {max(first)}: expected numbers from 0 to {_MOST_CLASSES:,}")
    return Classes(tuple(f"class {index}" for index in range(max(1, *said, *true) + 1)))


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
                f"{source.path} has {noun} {strange!r}, and the classes are named {few(names)}: expected one "
                "of these, "
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
    _check_range(source, numbers, names, noun)
    if classes.named_by_columns and not by_name and any(_NUMBERED.fullmatch(name) is None for name in names):
        notices.append(f"Class numbers are in the order of the columns: {_numbered(names)}.")
    return numbers, notices


def _check_names(table: Table, names: Sequence[str] | None, count: int) -> None:
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
    found = [_NUMBERED.fullmatch(name) for name in names or ()]
    numbers = [int(match[1]) for match in found if match]
    if names is None or not found or not all(found) or numbers == sorted(numbers):
        return table, []
    if sorted(numbers) not in (list(range(len(names))), list(range(1, len(names) + 1))):
        return table, []
    order = tuple(names[place] for place in np.argsort(numbers))
    told = f"Columns of {table.path.name} are taken in the order of their numbers: {few(order)}."
    return replace(table, scores=_scores.in_order(table, order), class_names=order), [told]


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
    default = all(_NUMBERED.fullmatch(name) for name in known)
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
    return np.array([str(int(float(value))) if _whole_value(value) else value for value in values.astype(str)], str)


def _from_text(values: Array, source: Table, names: tuple[str, ...], noun: str) -> tuple[Array, bool, list[str]]:
    """Float64 places, whether they were names, and what was assumed."""
    every = sorted(set(values.tolist()))
    places = places_of(names, every)
    strange = [value for value in every if value not in places]
    if not strange:
        inexact = [value for value in every if value not in names]
        told = (
            [f"{source.path.name}: {inexact[0]!r} is taken for class {names[places[inexact[0]]]!r}."] if inexact else []
        )
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
        hint = f"; they go from 1 to {count}, as in R and Matlab: subtract 1" if from_one else ""
        raise CifarlabError(f"{source.path} has {noun} {received}: expected 0 to {count - 1} for {count} classes{hint}")


def _refuse_missing(source: Table, values: Sequence[str]) -> None:
    missing = [value for value in values if value.casefold() in MISSING]
    if missing:
        raise CifarlabError(
            f"{source.path} has {missing[0]!r} where a class is expected: fill it in, or leave out the row"
        )


def _number_like(value: str) -> bool:
    return re.fullmatch(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?", value) is not None


def _whole_value(value: str) -> bool:
    return _number_like(value) and float(value).is_integer()


def _numbered(names: Sequence[str]) -> str:
    return few([f"{place} is {name}" for place, name in enumerate(names)], _MOST_SHOWN)
