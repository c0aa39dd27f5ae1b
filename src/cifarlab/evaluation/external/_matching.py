"""Predictions and labels brought together: by ids, by the row names of pandas and R, or by their order."""

from dataclasses import replace

import numpy as np

from cifarlab.evaluation.external._names import whole
from cifarlab.evaluation.external._table import Table
from cifarlab.utils.arrays import Array, number_rows, rows_of
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.text import counted


def match(table: Table, truth: Table) -> tuple[Table, Table, Array, Array, list[str]]:
    """Both tables (without a header that was taken for a value), ids, the row of `truth` for each image, and notices.

    Args:
        table: Predictions of N images.
        truth: Their labels; the same table where one file holds both.

    Raises:
        CifarlabError: If the numbers of images differ, ids are not unique, or those of one file are not in the other.
    """
    table, truth, notices = _without_header(table, truth)
    count = _count(table)
    _check_counts(table, truth)
    every = np.arange(count)
    ids = next((each.ids for each in (table, truth) if each.ids is not None), None)
    for each in (table, truth):
        if each.ids is not None and len(set(each.ids.tolist())) != count:
            raise CifarlabError(f"{each.path}: expected {count:,} ids, all different. Received: {len(each.ids):,}")
    numbered = number_rows(count)
    if table is truth:
        return table, truth, numbered if ids is None else ids, every, notices
    if table.ids is not None and truth.ids is not None:
        _check_same(table, truth, table.ids, truth.ids)
        return table, truth, table.ids, rows_of(truth.ids, table.ids), notices
    order, told = _by_row_names(table, truth)
    return table, truth, (numbered if ids is None else ids[order] if ids is truth.ids else ids), order, notices + told


def _row_names(table: Table) -> Array | None:
    return table.ids if table.ids is not None else table.index


def _by_row_names(table: Table, truth: Table) -> tuple[Array, list[str]]:
    """Row names match rows, as in pandas; where one file has none, or they only count its rows, the order does."""
    first, second = _row_names(table), _row_names(truth)
    every = np.arange(_count(table))
    if first is not None and second is not None:
        if np.array_equal(first, second) or (_counts(first) and _counts(second)):
            return every, []
        if set(first.tolist()) == set(second.tolist()):
            told = f"{table.path.name} and {truth.path.name} are matched by their row names."
            return rows_of(second, first), [told]
        if not (_counts(first) or _counts(second)):
            _check_same(table, truth, first, second)
    return every, _by_order(table, truth) + _by_order(truth, table)


def _by_order(one: Table, other: Table) -> list[str]:
    """What to say where one file alone has row names that do more than count, so that the order must do.

    Raises:
        CifarlabError: If its row numbers are shuffled: the other is likely in their order.
    """
    names = _row_names(one)
    if names is None or (_counts(names) and one.ids is None):
        return []
    numbers = [int(name) if whole(name) else -1 for name in names.tolist()]
    if sorted(numbers) in (list(range(len(names))), list(range(1, len(names) + 1))) and numbers != sorted(numbers):
        raise CifarlabError(
            f"{one.path} has its rows in the order {', '.join(map(str, numbers[:3]))}, ..., and {other.path} "
            "does not number its rows so: sort them, or give both files the same ids"
        )
    return [f"{other.path.name} does not name its rows so: they are taken in the order of {one.path.name}."]


def _without_header(table: Table, truth: Table) -> tuple[Table, Table, list[str]]:
    """Without the 0 that pandas writes above a nameless column, where one file has one value more than the other."""
    if table is truth or truth.labels is None:
        return table, truth, []
    surplus = len(truth.labels) - _count(table)
    if surplus == 1 and truth.first_may_be_header:
        told = [f"The first 0 of {truth.path.name} is read as its header: there is one label more than predictions."]
        return table, replace(truth, labels=truth.labels[1:]), told
    if surplus == -1 and table.first_may_be_header and table.predicted is not None:
        told = [f"The first 0 of {table.path.name} is read as its header: there is one prediction more than labels."]
        return replace(table, predicted=table.predicted[1:]), truth, told
    if surplus == 0 and table.first_may_be_header and truth.first_may_be_header:
        told = [
            f"{table.path.name} and {truth.path.name} both begin with 0, which counts as an image: if pandas wrote it "
            "as a header, write them with header=False."
        ]
        return table, truth, told
    return table, truth, []


def _count(table: Table) -> int:
    found = table.scores if table.scores is not None else table.predicted
    assert found is not None
    return len(found)


def _check_counts(table: Table, truth: Table) -> None:
    assert truth.labels is not None
    count, labels = _count(table), truth.labels
    given = labels.size if labels.ndim == 2 and 1 in labels.shape else len(labels)
    if given != count:
        turned = table.scores is not None and table.scores.ndim == 2 and table.scores.shape[1] == given
        hint = f": {table.path} has a column an image, save its transpose" if turned else ""
        raise CifarlabError(
            f"{table.path} has {counted(count, 'prediction')}, but {truth.path} has {counted(given, 'label')}{hint}"
        )


def _check_same(table: Table, truth: Table, first: Array, second: Array) -> None:
    strangers = np.setxor1d(first, second)
    if len(strangers):
        raise CifarlabError(
            f"{table.path} and {truth.path} are about different images: {str(strangers[0])!r} is in one only"
        )


def _counts(index: Array) -> bool:
    return any(np.array_equal(index, np.arange(start, start + len(index)).astype(str)) for start in (0, 1))
