"""Labels that are written as a column for each class, with one 1 (or True) in each row."""

from collections.abc import Sequence

import numpy as np

from cifarlab.evaluation.external import _numbers
from cifarlab.evaluation.external._column import Column
from cifarlab.utils.arrays import Array

_BITS = {"true": 1.0, "false": 0.0}  # as pandas' get_dummies writes them


def read_one_hot(columns: Sequence[Column]) -> Array | None:
    """`(N,)` str: the name of the column that has 1, or its place without names; None if this is no such table.

    A first row of class numbers, which stands over ones and zeros, counts as names.
    """
    names = [column.name for column in columns]
    if len(columns) < (2 if any(names) else 3):  # two nameless columns of 0 and 1 may be anything
        return None
    values = [column.values for column in columns]
    if not any(names):
        first = [cells[0] for cells in values]
        counts = [list(map(str, range(start, start + len(values)))) for start in (0, 1)]
        if first in counts:
            names, values = first, [cells[1:] for cells in values]
        else:
            names = counts[0]
    table = np.array([[_bit(cell) for cell in cells] for cells in values]).T  # (N, K)
    if not table.size or not np.isin(table, (0, 1)).all() or not (table.sum(axis=1) == 1).all():
        return None
    return np.asarray(np.array(names, str)[table.argmax(axis=1)])


def _bit(cell: str) -> float:
    if cell.casefold() in _BITS:
        return _BITS[cell.casefold()]
    return float(cell) if _numbers.looks_numeric(cell, comma=False) and cell.strip("+-0123456789.") == "" else np.nan
