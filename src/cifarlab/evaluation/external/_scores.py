"""Whether the numbers of a table are logits or probabilities, and what they look like where they are neither."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cifarlab.evaluation.external._table import Table
from cifarlab.runs.predictions import SMALLEST
from cifarlab.utils.arrays import Array
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.text import counted

_SUM_TOLERANCE = 1e-3  # float16 probabilities of a thousand classes are off by no more
_VOTES = 0.02  # votes, and probabilities as bytes of 0 to 255, sum to one number but for rounding
_MOST_DECIMALS = 4  # probabilities that were rounded harder than this may sum to less or more
_LEAST_DECIMALS = 2
_ROUNDED_LOGARITHMS = 0.02  # two decimals of a logarithm to base 10 are 1.2 % of the probability
_FEWEST = 3  # rows: fewer may sum to 1 by chance
_MOST_DEVIATIONS, _USUAL_DEVIATIONS = 6, 2  # of a row, and of all rows together, in standard deviations


def read_logits(table: Table) -> tuple[NDArray[np.float32], list[str]]:
    """Logits `(N, K)`: as they are, or the logarithm of probabilities; and what was assumed.

    Raises:
        CifarlabError: If the numbers are neither, or not finite.
    """
    scores = _checked(table)
    kind, scores, notices = _kind(table, scores)
    logits = scores if kind == "logits" else np.log(np.maximum(scores, SMALLEST))
    if np.abs(logits).max() > np.finfo(np.float32).max:
        raise CifarlabError(f"{table.path} has logits beyond the range of float32: expected numbers under 1e38")
    single: NDArray[np.float32] = logits.astype(np.float32)
    tied = int(((single == single.max(axis=1, keepdims=True)).sum(axis=1) > 1).sum())
    if tied:
        images = counted(tied, "image")
        notices.append(f"{images} with several highest classes: the first of them counts as the answer.")
    return single, notices


def _checked(table: Table) -> NDArray[np.float64]:
    """`(N, K)` float64, finite."""
    path, scores = table.path, table.scores
    if scores is None or scores.ndim != 2 or scores.shape[1] < 2 or len(scores) == 0 or scores.dtype.kind not in "fiu":
        shown = "none" if scores is None else f"shape {scores.shape}, {scores.dtype}"
        hint = ""
        if scores is not None and scores.dtype.kind == "f" and scores.size in scores.shape:
            hint = "; of two classes, give both: 1 - p and p"
        raise CifarlabError(
            f"{path}: expected numbers of shape (images, classes), at least 1 x 2{hint}. Received: {shown}"
        )
    with np.errstate(over="ignore", invalid="ignore"):  # what float64 cannot hold is not finite then, and refused
        scores = scores.astype(np.float64)
    broken = np.flatnonzero(~np.isfinite(scores).all(axis=1))
    if len(broken):
        where = f"{len(broken):,} of {len(scores):,} rows, row {broken[0]:,} first"
        raise CifarlabError(f"{path} has NaN or infinity in {where}")
    return np.asarray(scores)


def _kind(table: Table, scores: NDArray[np.float64]) -> tuple[str, NDArray[np.float64], list[str]]:
    """`"logits"` or `"probabilities"`, the numbers (rows of probabilities sum to 1), and what was assumed."""
    name = table.path.name
    _refuse_other_bases(table, scores)
    if table.kind == "logits":
        _refuse_probabilities(table, scores)
        _refuse_negative_logarithms(table, scores)
        return "logits", scores, []
    sums = scores.sum(axis=1)
    if scores.min() >= 0 and scores.max() <= 1 + _SUM_TOLERANCE and _sum_to(1, scores):
        rounded = bool((np.abs(sums - 1) > _SUM_TOLERANCE).any())
        told = f"Probabilities of {name} are rounded and do not sum to 1 exactly: each row was divided by its sum."
        return "probabilities", scores / sums[:, None], [told] if rounded else []
    if scores.min() >= 0 and _sum_to(100, scores):
        return "probabilities", scores / sums[:, None], [f"Rows of {name} sum to 100: read as percentages."]
    if table.kind is not None or (scores.min() >= 0 and scores.max() <= 1 + _SUM_TOLERANCE):
        _refuse(table, scores)
    _refuse_odd_rows(table, scores)
    _refuse_other_scales(table, scores)
    if scores.max() <= 0 and np.allclose(np.exp(scores).sum(axis=1), 1, atol=_SUM_TOLERANCE):
        return "logits", scores, [f"Numbers of {name} read as log-probabilities."]
    return (
        "logits",
        scores,
        [f"Numbers of {name} read as logits: they go from {scores.min():.4g} to {scores.max():.4g}."],
    )


def _sum_to(total: float, scores: NDArray[np.float64]) -> bool:
    """Whether each row has this sum but for the rounding of its numbers, and the rows together no more than it causes.

    A number of d decimals is off by 10^-d / sqrt(12) (standard deviation), a sum of K of them by sqrt(K) times as much.
    """
    off = np.abs(scores.sum(axis=1) - total) / total
    if (off <= _SUM_TOLERANCE).all():
        return True
    deviation = _decimal_step(scores / total) * np.sqrt(scores.shape[1] / 12)
    most = min(_MOST_DEVIATIONS * deviation, 0.5 * _decimal_step(scores / total) * scores.shape[1])
    usual = np.sqrt((off**2).mean()) <= _USUAL_DEVIATIONS * deviation
    return bool(usual and (off <= max(_SUM_TOLERANCE, most) + 1e-9).all())


def _decimal_step(shares: NDArray[np.float64]) -> float:
    """The last decimal's worth where all numbers are rounded to two to four decimals; else 0."""
    for decimals in range(_LEAST_DECIMALS, _MOST_DECIMALS + 1):
        if np.allclose(shares, np.round(shares, decimals), rtol=0, atol=1e-9):
            return float(10.0**-decimals)
    return 0.0


def _refuse_other_bases(table: Table, scores: NDArray[np.float64]) -> None:
    """Logarithms of probabilities to another base than e: softmax would flatten or sharpen them."""
    if (scores.max() > 0 and scores.min() < 0) or len(scores) < _FEWEST:
        return
    sign = -1 if scores.max() > 0 else 1
    for base, factor in ((10, 2.302585), (2, 0.693147)):
        if np.allclose(np.power(float(base), sign * scores).sum(axis=1), 1, atol=_ROUNDED_LOGARITHMS):
            raise CifarlabError(
                f"{table.path} holds logarithms of probabilities to base {base}: expected those to base e; multiply "
                f"all by {sign * factor}"
            )


def _refuse(table: Table, scores: NDArray[np.float64]) -> None:
    sums = scores.sum(axis=1)
    if np.abs(scores.sum(axis=0) - 1).max() <= _SUM_TOLERANCE and scores.min() >= 0:
        raise CifarlabError(
            f"{table.path} has columns that sum to 1, not rows, {scores.shape}: expected a row an image; save its "
            "transpose"
        )
    beyond = ((scores < 0) | (scores > 1)).any(axis=1)
    wrong = np.flatnonzero((np.abs(sums - 1) > _SUM_TOLERANCE) | beyond)
    row = int(wrong[0]) if len(wrong) else 0
    shown = f"row {row:,} goes from {scores[row].min():.4g} to {scores[row].max():.4g} and sums to {sums[row]:.4g}"
    raise CifarlabError(
        f"{table.path} holds neither logits nor probabilities: {shown}; expected rows of 0 to 1 that sum to 1 (not "
        "independent sigmoids), or logits: an npz file whose array is named logits, or columns named logit_..."
    )


def _refuse_odd_rows(table: Table, scores: NDArray[np.float64]) -> None:
    """Probabilities with some other rows among them, such as a header of numbers, are no logits."""
    tolerance = max(_SUM_TOLERANCE, 0.5 * scores.shape[1] * _decimal_step(scores))
    alike = (np.abs(scores.sum(axis=1) - 1) <= tolerance) & (scores >= 0).all(axis=1)
    if len(scores) >= 3 and alike.mean() > 0.5:
        row = int(np.flatnonzero(~alike)[0])
        raise CifarlabError(
            f"{table.path} has probabilities in {int(alike.sum()):,} of {len(scores):,} rows, but row {row:,} goes "
            f"from {scores[row].min():.4g} to {scores[row].max():.4g} and sums to {scores[row].sum():.4g}; "
            "expected all to sum to 1"
        )


def _refuse_probabilities(table: Table, scores: NDArray[np.float64]) -> None:
    """Probabilities under the name of logits: a softmax taken twice gives flat ones, and a wrong loss."""
    shared = ((scores > 0).sum(axis=1) > 1).any()  # one number a row may be the logit of a certain answer
    if scores.min() >= 0 and shared and (np.abs(scores.sum(axis=1) - 1) <= _SUM_TOLERANCE).all():
        raise CifarlabError(
            f"{table.path} has logits that look like probabilities, rows from 0 to 1 that sum to 1: call them so, an "
            "npz array named probabilities, or columns named prob_..."
        )


def _refuse_other_scales(table: Table, scores: NDArray[np.float64]) -> None:
    """Numbers that softmax would take and make nonsense of: votes, and negative log-probabilities."""
    sums = scores.sum(axis=1)
    shared = ((scores > 0).sum(axis=1) > 1).any()  # one number a row may be the logit of a certain answer
    if scores.min() >= 0 and len(scores) > 1 and shared and np.allclose(sums, sums[0], rtol=_VOTES):
        raise CifarlabError(
            f"{table.path} has rows that all sum to {sums[0]:.6g}, as votes do: divide each by its sum, "
            "so that they sum to 1"
        )
    _refuse_negative_logarithms(table, scores)


def _refuse_negative_logarithms(table: Table, scores: NDArray[np.float64]) -> None:
    if scores.min() >= 0 and np.allclose(np.exp(-scores).sum(axis=1), 1, atol=_SUM_TOLERANCE):
        raise CifarlabError(f"{table.path} holds negative log-probabilities: give them without the minus, as logits")


def in_order(table: Table, names: Sequence[str]) -> Array | None:
    """The scores with their columns in the order of `names`, which are those of the table in some order."""
    assert table.class_names is not None
    places = [table.class_names.index(name) for name in names]
    return None if table.scores is None else table.scores[:, places]
