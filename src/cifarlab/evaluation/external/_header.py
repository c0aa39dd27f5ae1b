"""Whether the first row of a table is a header, also where its names are numbers."""

import numpy as np

from cifarlab.evaluation.external import _numbers
from cifarlab.evaluation.external._names import plain, role
from cifarlab.evaluation.external._text import Cells
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.text import few

_SAMPLE = 60  # rows that tell words from numbers
_NEAR = 0.05  # rows of rounded probabilities sum to 1, or to 100, within 5 %


def split_header(
    cells: Cells, single_values: bool = False
) -> tuple[list[str] | None, list[list[str]], list[int], list[str]]:
    """The header, or None; the rows below it, their lines in the file, and what was assumed.

    Args:
        cells: The table.
        single_values: Whether one column holds names or class numbers, not scores.

    Raises:
        CifarlabError: If the first row may be a header of numbers or an image, or nothing is below the header.
    """
    first, rest = cells.rows[0], cells.rows[1:]
    if len(first) == 1:
        found, notices = _single_header(cells, first[0], [row[0] for row in rest])
    else:
        found, notices = _is_header(cells, first, rest, single_values)
    if found:
        if not rest:
            raise CifarlabError(f"{cells.path} has a header and no rows below it")
        return first, rest, cells.lines[1:], notices
    if cells.comment and not any(_numbers.looks_numeric(cell) for cell in cells.comment):
        told = f"Column names of {cells.path.name} are those of its comment: {', '.join(cells.comment[:3])}, ..."
        return cells.comment, cells.rows, cells.lines, [*notices, told]
    return None, cells.rows, cells.lines, notices


def _single_header(cells: Cells, first: str, rest: list[str]) -> tuple[bool, list[str]]:
    """A single column has a header where its name is known, or stands over numbers without being one.

    A word that occurs again below is a class, whatever it may mean.
    """
    numeric = bool(rest) and all(_numbers.looks_numeric(cell) for cell in rest)
    if numeric:
        return not _numbers.looks_numeric(first), []
    if role(first) is None or not rest:
        return role(first) is not None, []
    if _again(first, rest):
        return False, [f"{first!r}, the first row of {cells.path.name}, is read as a class: it occurs again below."]
    return True, [f"{first!r}, the first row of {cells.path.name}, is read as its header: it does not occur below."]


def _again(name: str, below: list[str]) -> bool:
    return plain(name) in {plain(cell) for cell in below}


def _is_header(cells: Cells, first: list[str], rest: list[list[str]], single_values: bool) -> tuple[bool, list[str]]:
    numeric = [_numbers.looks_numeric(cell) for cell in first]
    shown = few([cell or "(empty)" for cell in first], 4)
    told = [f"The first row of {cells.path.name} ({shown}) is read as its header."]
    if cells.surely_header:
        return True, told if all(numeric[1:]) else []
    if not all(numeric):
        again = [
            cell
            for place, cell in enumerate(first)
            if cell and not numeric[place] and _again(cell, [row[place] for row in rest])
        ]
        if again:
            return False, []
        below = [all(_numbers.looks_numeric(row[place]) for row in rest[:_SAMPLE]) for place in range(len(first))]
        # A word over numbers, or a name that is known, makes a header; an id beside numbers does not.
        named = any(not is_number and under for is_number, under in zip(numeric, below, strict=True) if rest)
        known = any(cell and role(cell) is not None for cell in first)
        empty_corner = not first[0] and all(numeric[1:])
        words = sum(not is_number for is_number in numeric)
        found = named or known or empty_corner or words > 1
        return found, told if found and empty_corner else []
    return (False, []) if single_values else _numbers_over_numbers(cells, first, rest, told)


def _numbers_over_numbers(
    cells: Cells, first: list[str], rest: list[list[str]], told: list[str]
) -> tuple[bool, list[str]]:
    """Class numbers stand over scores where the first row is made of different whole numbers and no row below is."""
    over, odd, _ = _numbers.parse(first, ".")
    if not rest or odd or not (over == np.floor(over)).all() or len(set(over.tolist())) < len(first):
        return False, []
    mark = _numbers.decimal_mark((cell for row in rest for cell in row), str(cells.path))
    columns = [_numbers.parse(column, mark)[0] for column in zip(*rest, strict=True)]
    below = np.stack(columns, axis=1)  # (N, K)
    sums, own = below.sum(axis=1), over.sum()
    like_chances = [bool((below >= 0).all() and np.allclose(sums, total, rtol=_NEAR)) for total in (1, 100)]
    counted = bool((over == np.arange(len(first))).all())
    fractions = bool((below != np.floor(below)).any())
    if any(like_chances) and not (own == 1 and like_chances[0]) and not (own == 100 and like_chances[1]):
        return True, told
    if counted and fractions and len(first) > 2:
        return True, told
    if not fractions and not counted:
        return False, []
    raise CifarlabError(
        f"{cells.path}: the first row ({few(first, 4)}) may be class names or an image: "
        "name the classes by words in it, or save the numbers alone as npy"
    )
