"""Which classes there are where only predicted ones are known, without scores."""

from collections.abc import Sequence

import numpy as np

from cifarlab.evaluation.external._classes import (
    FILE,
    GIVEN,
    UNNAMED,
    Classes,
    check_names,
    refuse_missing,
    whole_value,
)
from cifarlab.evaluation.external._names import places_of
from cifarlab.evaluation.external._table import Table
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.text import few

_MOST_CLASSES = 100_000


def gather_classes(table: Table, given: Sequence[str] | None, truth: Table) -> Classes:
    """The classes where only the predicted ones are known: those that are given, or all that occur.

    Raises:
        CifarlabError: If predictions are names and labels numbers, or the other way round, so that names are needed.
    """
    assert table.predicted is not None
    assert truth.labels is not None
    names = tuple(map(str, given or table.class_names or truth.class_names or ()))
    if names:
        check_names(table, names, len(names))
        return Classes(names, (), GIVEN if given else FILE)
    values = [sorted(set(np.asarray(part).ravel().astype(str).tolist())) for part in (table.predicted, truth.labels)]
    refuse_missing(table, values[0])
    refuse_missing(truth, values[1])
    numeric = [all(whole_value(value) for value in part) for part in values]
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
    every = sorted({*said, *true})
    if every == list(range(len(every))):
        return Classes(tuple(f"class {index}" for index in range(max(2, len(every)))), (), UNNAMED)
    if min(every) < 0:
        raise CifarlabError(f"{table.path} or {truth.path} has class {min(every)}: expected numbers from 0")
    names = tuple(map(str, every))
    return Classes(names, (f"Classes are all numbers that occur: {few(names)}.",), UNNAMED)
