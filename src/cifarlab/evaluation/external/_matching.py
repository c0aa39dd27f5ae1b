"""Predictions and labels brought together: by ids, by other columns that tell images apart, or by their order."""

import re
from dataclasses import replace

import numpy as np

from cifarlab.evaluation.external._names import ID, INDEX, OTHER, plain
from cifarlab.evaluation.external._table import Key, Table
from cifarlab.utils.arrays import Array, number_rows
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.text import counted

_LAST_NUMBER = re.compile(r"(.*?)(\d+)(\D*)")


def match(table: Table, truth: Table) -> tuple[Table, Table, Array, Array, list[str]]:
    """Both tables (without a header that was taken for a value), ids, the row of `truth` for each image, and notices.

    Args:
        table: Predictions of N images.
        truth: Their labels; the same table where one file holds both.

    Raises:
        CifarlabError: If the numbers of images differ, ids are not unique, those of one file are not in the other, or
            one file tells of another order of the images than it can be matched by.
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
    order, told = _order_of(table, truth)
    named = table.ids if table.ids is not None else truth.ids[order] if truth.ids is not None else numbered
    return table, truth, named, order, notices + told


def _order_of(table: Table, truth: Table) -> tuple[Array, list[str]]:
    """The row of `truth` for each of `table`, by what surely names the images in both; else the order as it stands."""
    pairs = [(first, second) for first in table.keys for second in truth.keys if _names_the_same(first, second)]
    by_id = [pair for pair in pairs if {key.role for key in pair} == {ID}]
    chosen = by_id or pairs
    if chosen:
        orders = [_order(first.values, second.values) for first, second in chosen]
        differing = next((place for place, order in enumerate(orders) if (order != orders[0]).any()), None)
        if differing is not None:
            raise CifarlabError(
                f"{table.path} and {truth.path} match in two ways, by {_title(chosen[0][0])} and by "
                f"{_title(chosen[differing][0])}: leave one of them out"
            )
        return orders[0], [] if by_id or _in_order(orders[0]) else [_told(table, truth, *chosen[0])]
    _refuse_strangers(table, truth)
    return np.arange(_count(table)), _by_order(table, truth) + _by_order(truth, table)


def _names_the_same(first: Key, second: Key) -> bool:
    """Whether two columns hold the same names of the images, beyond what mere counting would bring about."""
    if not (_distinct(first) and _distinct(second)) or set(first.values.tolist()) != set(second.values.tolist()):
        return False
    if first.role == second.role == ID:
        return True
    if _counts(first.values) or _counts(second.values):  # a row number is written anew with every table
        return False
    alike = first.role == second.role == INDEX or {first.role, second.role} == {ID, INDEX}
    return alike or plain(first.name) == plain(second.name) != "" or _numbers(first.values) is None


def _refuse_strangers(table: Table, truth: Table) -> None:
    """Refuse two columns that should name the images, and name others."""
    for first in table.keys:
        for second in truth.keys:
            roles = {first.role, second.role}
            both_ids = roles == {ID}
            same_name = OTHER in roles and plain(first.name) == plain(second.name) != ""
            rows = roles <= {ID, INDEX} and not (_counts(first.values) or _counts(second.values))
            if (both_ids or rows) or (same_name and _distinct(first) and _distinct(second)):
                _check_same(table, truth, first.values, second.values)


def _by_order(one: Table, other: Table) -> list[str]:
    """What to say where one file alone names its rows, so that their order must do; shuffled rows are refused.

    The other file may be in their order or in its own.
    """
    for key in one.keys:
        numbers = _numbers(key.values)
        if numbers is not None and numbers != sorted(numbers):
            raise CifarlabError(
                f"{one.path} has its rows in the order {', '.join(key.values[:3].tolist())}, ..., by {_title(key)}, "
                f"and {other.path} does not number its rows so: sort them, or give both files a column id"
            )
    named = [key for key in one.keys if key.role == ID or (key.role == INDEX and not _counts(key.values))]
    if not named:
        return []
    return [f"{other.path.name} does not name its rows so: they are taken in the order of {one.path.name}."]


def _told(table: Table, truth: Table, first: Key, second: Key) -> str:
    how = "their row names" if INDEX in (first.role, second.role) else _title(first)
    return f"{table.path.name} and {truth.path.name} are matched by {how}."


def _title(key: Key) -> str:
    return repr(key.name) if key.name else "its row names"


def _distinct(key: Key) -> bool:
    return len(set(key.values.tolist())) == len(key.values)


def _in_order(order: Array) -> bool:
    return bool((np.diff(order) > 0).all())


def _numbers(values: Array) -> list[int] | None:
    """Row numbers, 0 to N - 1 or 1 to N in any order, also inside of names as `img_12.png`; None where they are not."""
    found = [_LAST_NUMBER.fullmatch(value) for value in values.tolist()]
    if not all(found) or len({(match[1], match[3]) for match in found if match}) > 1:
        return None
    numbers = [int(match[2]) for match in found if match]
    return numbers if sorted(numbers) in (list(range(len(values))), list(range(1, len(values) + 1))) else None


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


def _order(first: Array, second: Array) -> Array:
    """For each of `first`, its row in `second`, which holds the same."""
    order = np.empty(len(first), np.int64)
    order[np.argsort(first)] = np.argsort(second)
    return order


def _counts(values: Array) -> bool:
    """Row numbers in order: whoever writes a table may count its rows."""
    return any(np.array_equal(values, np.arange(start, start + len(values)).astype(str)) for start in (0, 1))
