"""Results for people: numbers as every table's cells show them, and a result's own small table, text or HTML."""

import html
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from cifarlab.utils.results import Interval
from cifarlab.utils.text import in_percent, percent


def as_title(name: str) -> str:
    """A score's name for people: `macro_f1` as `macro F1`."""
    if name == "negative_log_likelihood":
        return "loss (mean cross-entropy)"
    return name.replace("_", " ").replace("f1", "F1")


def as_number(name: str, score: Interval) -> str:
    """A score's value: a share in per cent, a loss as it is, `undefined` for None."""
    if score.value is None:
        return "needs probabilities" if score.method.endswith("needs probabilities") else "undefined"
    return as_percent(score.value) if _is_fraction(name) else f"{score.value:.4f}"


def as_percent(value: float | None) -> str:
    """A share in per cent with two digits; `undefined` for None."""
    return "undefined" if value is None else percent(value)


def as_p_value(p: float) -> str:
    """A p-value with as many digits as it deserves."""
    if p < 0.0001:
        return "< 0.0001"
    return f"{p:.2f}" if p >= 0.1 else f"{p:.4f}"


def with_limits(score: Interval) -> tuple[str, str]:
    """A share and its interval, for two cells."""
    return as_percent(score.value), as_limits(score)


def as_limits(score: Interval, name: str = "accuracy") -> str:
    """The interval of a score; empty where it has none."""
    if score.low is None or score.high is None:
        return ""
    if _is_fraction(name):
        return f"{in_percent(score.low)} to {in_percent(score.high)}"
    return f"{score.low:.4f} to {score.high:.4f}"


def _is_fraction(name: str) -> bool:
    return not name.endswith(("likelihood", "loss", "error", "coverage"))


@dataclass(frozen=True)
class ResultTable:
    """A result as a small table.

    Attributes:
        rows: As many cells each; numbers stand to the right, in all columns but the first.
        title: What stands above; or empty.
        sentences: What stands below.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    title: str = ""
    sentences: Sequence[str] = ()

    def as_text(self) -> str:
        """Aligned by spaces."""
        lines = [self.header, *self.rows]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        cells = [
            [cell.rjust(width) if place else cell.ljust(width) for place, (cell, width) in enumerate(pairs)]
            for pairs in (zip(line, widths, strict=True) for line in lines)
        ]
        table = ["  ".join(line).rstrip() for line in cells]
        return "\n".join([*([self.title] if self.title else []), *table, *self.sentences])

    def as_html(self) -> str:
        """For a notebook; everything in it escaped."""

        def row(cells: Sequence[str], tag: str) -> str:
            return f"<tr>{''.join(f'<{tag}>{html.escape(cell)}</{tag}>' for cell in cells)}</tr>"

        caption = f"<caption>{html.escape(self.title)}</caption>" if self.title else ""
        body = "".join(row(cells, "td") for cells in self.rows)
        below = "".join(f"<p>{html.escape(sentence)}</p>" for sentence in self.sentences)
        return f"<table>{caption}<thead>{row(self.header, 'th')}</thead><tbody>{body}</tbody></table>{below}"


class Shown(ABC):
    """A result that says what it is: a table as text where it is printed, as HTML at the end of a notebook's cell."""

    @abstractmethod
    def table(self) -> ResultTable:
        """What people see of it."""

    def __str__(self) -> str:
        return self.table().as_text()

    def _repr_html_(self) -> str:
        return self.table().as_html()
