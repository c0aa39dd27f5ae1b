"""Numbers as people's tools write them: decimal commas, thousands, percent signs, and what is none."""

import re
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from cifarlab.utils.errors import CifarlabError

MISSING = frozenset(("", "na", "nan", "n/a", "#n/a", "null", "none", "-", "--", ".", "?", "missing", "inf", "-inf"))
_EXPONENT = r"([eE][+-]?\d+)?"
_GROUPS = r"[1-9]\d{{0,2}}(?:{0}\d{{3}})+"  # 1,234,567: no leading zero, groups of three
_SPACES = "'\u2019\u00a0\u202f "  # Swiss and French thousands


def _pattern(decimal: str, thousands: str) -> re.Pattern[str]:
    groups = "|".join((_GROUPS.format(re.escape(thousands)), _GROUPS.format(f"[{_SPACES}]")))
    return re.compile(rf"[+-]?(?:(?:{groups}|\d+)(?:{re.escape(decimal)}\d*)?|{re.escape(decimal)}\d+){_EXPONENT}")


_PATTERNS = {".": _pattern(".", ","), ",": _pattern(",", ".")}


def looks_numeric(text: str, comma: bool = True) -> bool:
    """Whether this is a number in some country's writing, or one that is said to be missing.

    Args:
        text: A cell.
        comma: Whether a comma may stand in it.
    """
    bare = _bare(text)
    if bare.casefold() in MISSING - {""}:
        return True
    return any(pattern.fullmatch(bare) for pattern in _PATTERNS.values()) and (comma or "," not in bare)


def decimal_mark(cells: Iterable[str], where: str) -> str:
    """The decimal mark of a whole file: `"."`, or `","` as in most of Europe.

    Args:
        cells: All of its cells; those that are no numbers do not matter.
        where: The file, for the error.

    Raises:
        CifarlabError: If the cells contradict each other, or `1,234` could be either everywhere.
    """
    cells = list(cells)
    if not any("," in cell for cell in cells):
        return "."
    numbers = [bare for cell in cells if (bare := _bare(cell)) and any(p.fullmatch(bare) for p in _PATTERNS.values())]
    with_comma = [cell for cell in numbers if "," in cell]
    if not with_comma:
        return "."
    comma = [cell for cell in with_comma if not _PATTERNS["."].fullmatch(cell)]
    point = [cell for cell in numbers if not _PATTERNS[","].fullmatch(cell)]
    if comma and point:
        raise CifarlabError(f"{where} writes decimals in two ways, {comma[0]} and {point[0]}: expected one of them")
    if not comma and not point:
        raise CifarlabError(
            f"{where} has {with_comma[0]}, which may be a decimal comma or thousands: write decimals with a point"
        )
    return "," if comma else "."


def parse(cells: Sequence[str], mark: str) -> tuple[NDArray[np.float64], list[int], bool]:
    """A column of numbers.

    Args:
        cells: N cells.
        mark: The file's decimal mark.

    Returns:
        `(N,)` float64, NaN where a cell is no number; the places of these; and whether the numbers had percent signs,
        by which they were then divided by 100. A column in which only some have them has no numbers at all.
    """
    if mark == ".":
        try:
            values = np.fromiter(map(float, cells), np.float64, len(cells))
        except ValueError:
            pass
        else:
            if np.isfinite(values).all() and "_" not in "".join(cells):  # Python reads 1_000 as a number
                return values, [], False
    values = np.array([_number(cell, mark) for cell in cells])
    signed = [cell.endswith("%") for cell in cells if cell.casefold() not in MISSING]
    if any(signed) and not all(signed):
        values = np.full(len(cells), np.nan)
    return values, np.flatnonzero(np.isnan(values)).tolist(), bool(signed) and all(signed)


def _number(cell: str, mark: str) -> float:
    bare = _bare(cell)
    if not _PATTERNS[mark].fullmatch(bare):
        return float("nan")
    for character in (*_SPACES, "." if mark == "," else ","):
        bare = bare.replace(character, "")
    return float(bare.replace(mark, ".")) / (100 if cell.endswith("%") else 1)


def _bare(cell: str) -> str:
    return cell.replace("\N{MINUS SIGN}", "-").removesuffix("%").strip()
