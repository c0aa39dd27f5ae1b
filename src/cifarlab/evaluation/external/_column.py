"""One column of a table of text."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cifarlab.utils.arrays import Array

CLASS = "class"


@dataclass(frozen=True, eq=False)
class Column:
    """A column and what it was taken for.

    Attributes:
        name: As in the header; empty without one.
        values: N cells.
        numbers: `(N,)` float64, NaN where a cell is no number.
        missing: Places of the cells that are no numbers.
        percent: Its numbers had percent signs.
        role: `CLASS`, or as in `_names`.
        place: From 0.
    """

    name: str
    values: tuple[str, ...]
    numbers: NDArray[np.float64]
    missing: list[int]
    percent: bool
    role: str
    place: int

    @property
    def cells(self) -> Array:
        """`(N,)` str."""
        return np.array(self.values, str)

    @property
    def distinct(self) -> bool:
        """No cell is twice there."""
        return len(set(self.values)) == len(self.values)

    @property
    def title(self) -> str:
        """For people: `column 'cat'`, or `column 1` without a name."""
        return f"column {self.name!r}" if self.name else f"column {self.place + 1}"

    @property
    def whole(self) -> bool:
        """All cells are whole numbers."""
        return not self.missing and bool((self.numbers == np.floor(self.numbers)).all())
