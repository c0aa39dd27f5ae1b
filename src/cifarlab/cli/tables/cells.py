"""What the tables share: an empty table, and numbers as a cell shows them."""

from collections.abc import Collection

from rich import box
from rich.table import Table

from cifarlab.utils.result_tables import (
    ResultTable,
    as_limits,
    as_number,
    as_p_value,
    as_percent,
    as_title,
    with_limits,
)

__all__ = ["as_limits", "as_number", "as_p_value", "as_percent", "as_title", "fill", "new_table", "with_limits"]


def new_table(first: str, *others: str, numbers: Collection[int] | None = None) -> Table:
    """An empty table, numbers to the right.

    Args:
        first: Title of the first column.
        *others: Titles of the others.
        numbers: Which columns hold numbers, from 0; by default all but the first.
    """
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for place, title in enumerate((first, *others)):
        is_number = place > 0 if numbers is None else place in numbers
        table.add_column(title, justify="right" if is_number else "left", overflow="fold")
    return table


def fill(result: ResultTable) -> Table:
    """A result's own table, as a terminal shows it."""
    table = new_table(*result.header)
    for row in result.rows:
        table.add_row(*row)
    return table
