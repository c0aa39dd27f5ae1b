"""What one file holds, whatever its format."""

from dataclasses import dataclass
from pathlib import Path

from cifarlab.evaluation.external._names import ID
from cifarlab.utils.arrays import Array


@dataclass(frozen=True, eq=False)
class Key:
    """A column that tells the images apart, or may do so.

    Attributes:
        name: In its file; empty without one.
        values: `(N,)` str.
        role: `ID`; `INDEX`: row names as pandas and R write them, which may just count; else `OTHER`.
    """

    name: str
    values: Array
    role: str


@dataclass(frozen=True, eq=False)
class Table:
    """What one file holds.

    Attributes:
        scores: `(N, K)` numbers, a column a class; None without any.
        kind: `"logits"` or `"probabilities"` where the file says so.
        labels: `(N,)` true classes, numbers or text; None without any.
        predicted: `(N,)` predicted classes, numbers or text; None without any.
        keys: What tells the images apart, or may do so.
        class_names: Names of the columns; None where they have none.
        first_may_be_header: The first of single values is a number that pandas also writes as a header.
        notices: What was assumed, and which columns are left out.
    """

    path: Path
    scores: Array | None = None
    kind: str | None = None
    labels: Array | None = None
    predicted: Array | None = None
    keys: tuple[Key, ...] = ()
    class_names: tuple[str, ...] | None = None
    first_may_be_header: bool = False
    notices: tuple[str, ...] = ()

    @property
    def ids(self) -> Array | None:
        """`(N,)` str; None without any."""
        return next((key.values for key in self.keys if key.role == ID), None)
