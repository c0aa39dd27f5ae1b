"""What the tables share: an empty table, and numbers as a cell shows them."""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table

if TYPE_CHECKING:  # it brings SciPy
    from cifarlab.metrics.statistics.intervals import Interval


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


def as_title(name: str) -> str:
    """A score's name for people: `macro_f1` as `macro F1`."""
    if name == "negative_log_likelihood":
        return "loss (mean cross-entropy)"
    return name.replace("_", " ").replace("f1", "F1")


def _is_fraction(name: str) -> bool:
    return not name.endswith(("likelihood", "loss", "error", "coverage"))


def as_number(name: str, score: Mapping[str, Any]) -> str:
    """A score's value: a share in per cent, a loss as it is, `undefined` for None."""
    if score["value"] is None:
        return "needs probabilities" if score["method"].endswith("needs probabilities") else "undefined"
    return as_percent(score["value"]) if _is_fraction(name) else f"{score['value']:.4f}"


def as_percent(value: float | None) -> str:
    """A share in per cent with two digits; `undefined` for None."""
    return "undefined" if value is None else f"{100 * value:.2f} %"


def as_p_value(p: float) -> str:
    """A p-value with as many digits as it deserves."""
    if p < 0.0001:
        return "< 0.0001"
    return f"{p:.2f}" if p >= 0.1 else f"{p:.4f}"


def with_limits(score: Mapping[str, Any]) -> tuple[str, str]:
    """A share and its interval, for two cells."""
    return as_percent(score["value"]), as_limits(score)


def as_limits(score: "Mapping[str, Any] | Interval", name: str = "accuracy") -> str:
    """The interval of a score; empty where it has none."""
    score = score if isinstance(score, Mapping) else vars(score)
    if score["low"] is None:
        return ""
    if _is_fraction(name):
        return f"{100 * score['low']:.2f} to {100 * score['high']:.2f}"
    return f"{score['low']:.4f} to {score['high']:.4f}"
