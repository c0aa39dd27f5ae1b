"""Which epoch of a training's history is the best: the one whose weights the run keeps."""

from collections.abc import Mapping, Sequence

from cifarlab.utils.errors import CifarlabError

IS_BEST = "is_best"
"""Of a row, where another measure than accuracy chose: 1 if the epoch was the best so far, else 0."""


def best_epoch(history: Sequence[Mapping[str, float]]) -> Mapping[str, float] | None:
    """The row of the best epoch; None where nothing was held out.

    It is the last that was noted as the best so far; without such notes, the one with the highest validation accuracy,
    of equal ones that with the lowest loss.
    """
    rows = [row for row in history if "validation_accuracy" in row]
    if noted := [row for row in rows if row.get(IS_BEST)]:
        return noted[-1]
    return max(rows, key=lambda row: (row["validation_accuracy"], -row.get("validation_loss", 0.0)), default=None)


def best_accuracy(history: Sequence[Mapping[str, float]]) -> float:
    """Validation accuracy of the best epoch.

    Raises:
        CifarlabError: If nothing was held out.
    """
    best = best_epoch(history)
    if best is None:
        raise CifarlabError("the history has no validation accuracy: nothing was held out; train the run again")
    return best["validation_accuracy"]
