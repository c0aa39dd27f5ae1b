"""What one file holds, whatever its format."""

from dataclasses import dataclass
from pathlib import Path

from cifarlab.utils.arrays import Array


@dataclass(frozen=True, eq=False)
class Table:
    """What one file holds.

    Attributes:
        path: The file.
        scores: `(N, K)` numbers, a column a class; None without any.
        kind: `"logits"` or `"probabilities"` where the file says so.
        labels: `(N,)` true classes, numbers or text; None without any.
        predicted: `(N,)` predicted classes, numbers or text; None without any.
        ids: `(N,)` str; None without any.
        index: `(N,)` str: row names as pandas and R write them, which tell rows apart but may just count them.
        class_names: Names of the columns; None where they have none.
        first_may_be_header: The first of single values is a number that pandas also writes as a header.
        notices: What was assumed, and which columns are left out.
    """

    path: Path
    scores: Array | None = None
    kind: str | None = None
    labels: Array | None = None
    predicted: Array | None = None
    ids: Array | None = None
    index: Array | None = None
    class_names: tuple[str, ...] | None = None
    first_may_be_header: bool = False
    notices: tuple[str, ...] = ()
