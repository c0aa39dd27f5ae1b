"""Which images a page shows and in which order: filters read from an address, and applied."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifarlab.utils import discovery
from cifarlab.utils.errors import CifarlabError
from cifarlab.web.pages.prediction_table import Doubts, PredictionTable

Rows = NDArray[np.int64]

SHOWN = ("wrong", "right", "all")
# With `against` another run: right here and wrong there, or the other way round.
SIDES = ("gained", "lost")
ORDERS = {
    "loss": "highest loss first",
    "-loss": "lowest loss first",
    "confidence": "most confident first",
    "-confidence": "least confident first",
    "doubt": "most doubtful label first",
    "order": "in the order of the data",
}
DATA_ORDERS = {"order": "in the order of the data", "doubt": "most doubtful label first"}


@dataclass(frozen=True)
class AnswerFilter:
    """Some of a run's answers.

    Attributes:
        shown: One of `SHOWN`.
        true: The label, or None for any.
        said: The class named, or None for any.
        least: Lowest confidence, a fraction.
        most: Highest confidence, a fraction.
        doubt: Lowest doubt of the label, a fraction; 0 for any.
        order: One of `ORDERS`.
        side: One of `SIDES` where another run is compared with; else empty.
    """

    shown: str = "wrong"
    true: int | None = None
    said: int | None = None
    least: float = 0.0
    most: float = 1.0
    doubt: float = 0.0
    order: str = "loss"
    side: str = ""


@dataclass(frozen=True)
class DataFilter:
    """Some of a data set's images.

    Attributes:
        label: The class, or None for any.
        doubt: Lowest doubt of the label, a fraction; 0 for any.
        order: One of `DATA_ORDERS`.
    """

    label: int | None = None
    doubt: float = 0.0
    order: str = "order"


def read_answer_filter(query: Mapping[str, str], class_names: Sequence[str]) -> AnswerFilter:
    """The filter that an address asks for.

    Raises:
        CifarlabError: If a value is unknown or out of range.
    """
    true, said = (_label(query, key, class_names) for key in ("true", "said"))
    # A cell of the confusion matrix is all its images, also on the diagonal.
    default = "all" if true is not None and said is not None else "wrong"
    return AnswerFilter(
        _choice(query, "shown", SHOWN, default),
        true,
        said,
        _percent(query, "least", 0.0),
        _percent(query, "most", 1.0),
        _percent(query, "doubt", 0.0),
        _choice(query, "sort", tuple(ORDERS), "loss"),
        _choice(query, "side", SIDES, "") if query.get("against") else "",
    )


def read_data_filter(query: Mapping[str, str], class_names: Sequence[str]) -> DataFilter:
    """The filter that an address asks for.

    Raises:
        CifarlabError: If a value is unknown or out of range.
    """
    order = _choice(query, "sort", tuple(DATA_ORDERS), "order")
    return DataFilter(_label(query, "class", class_names), _percent(query, "doubt", 0.0), order)


def select_answers(
    answers: PredictionTable, wanted: AnswerFilter, doubts: Doubts | None = None, other: PredictionTable | None = None
) -> Rows:
    """The rows of a run's predictions that a filter leaves, in its order.

    Args:
        answers: The run's.
        wanted: The filter.
        doubts: Of the labels; without them a filter by doubt leaves nothing, and an order by doubt is that of the loss.
        other: Another run's answers, for `side`.

    Returns:
        `(M,)` int64.
    """
    right = answers.right
    keep = {"wrong": ~right, "right": right, "all": np.ones_like(right)}[wanted.shown]
    if wanted.true is not None:
        keep = keep & (answers.labels == wanted.true)
    if wanted.said is not None:
        keep = keep & (answers.predicted == wanted.said)
    keep = keep & (answers.confidence >= wanted.least) & (answers.confidence <= wanted.most + 1e-6)
    ids = answers.predictions.ids.tolist()
    doubt = np.full(len(right), np.nan, np.float32)
    if doubts is not None and (wanted.doubt or wanted.order == "doubt"):
        doubt = doubts.of(ids)
    if wanted.doubt:
        keep = keep & (np.nan_to_num(doubt, nan=-1.0) >= wanted.doubt)
    if wanted.side and other is not None:
        keep = keep & _side(wanted.side, answers, other)
    rows = np.flatnonzero(keep)
    keys: dict[str, NDArray[Any]] = {
        "loss": -answers.losses,
        "-loss": answers.losses,
        "confidence": -answers.confidence,
        "-confidence": answers.confidence,
        "doubt": -answers.losses if np.isnan(doubt).all() else -np.nan_to_num(doubt, nan=-1.0),
        "order": np.arange(len(right)),
    }
    return np.asarray(rows[np.argsort(keys[wanted.order][rows], kind="stable")], np.int64)


def select_images(
    labels: NDArray[np.int64], ids: Sequence[str], wanted: DataFilter, doubts: Doubts | None = None
) -> Rows:
    """The rows of a split that a filter leaves, in its order.

    Args:
        labels: `(N,)` of the split.
        ids: N of them.
        wanted: The filter.
        doubts: Of the labels; without them a filter by doubt leaves nothing.

    Returns:
        `(M,)` int64.
    """
    keep = np.ones(len(labels), bool) if wanted.label is None else labels == wanted.label
    if not wanted.doubt and wanted.order != "doubt":
        return np.flatnonzero(keep).astype(np.int64)
    doubt = np.full(len(labels), np.nan, np.float32) if doubts is None else doubts.of(ids)
    known = np.nan_to_num(doubt, nan=-1.0)
    if wanted.doubt:
        keep = keep & (known >= wanted.doubt)
    rows = np.flatnonzero(keep)
    if wanted.order == "doubt":
        rows = rows[np.argsort(-known[rows], kind="stable")]
    return rows.astype(np.int64)


def read_page(query: Mapping[str, str], count: int, size: int) -> tuple[int, int]:
    """The page that an address asks for, from 1, and how many there are; one past the end is the last.

    Raises:
        CifarlabError: If it is not a whole number.
    """
    text = query.get("page") or "1"
    if not text.isdecimal():
        raise CifarlabError(f"page must be a whole number. Received: {text!r}")
    pages = max(1, -(-count // size))
    return min(max(1, int(text)), pages), pages


def _side(side: str, answers: PredictionTable, other: PredictionTable) -> NDArray[np.bool_]:
    theirs = np.array([other.rows.get(image_id, -1) for image_id in answers.predictions.ids.tolist()], np.int64)
    their_right = np.where(theirs >= 0, other.right[theirs], False) if len(other) else np.zeros(len(answers), bool)
    both = theirs >= 0
    return both & (answers.right & ~their_right if side == "gained" else ~answers.right & their_right)


def _label(query: Mapping[str, str], key: str, class_names: Sequence[str]) -> int | None:
    name = query.get(key)
    if not name:
        return None
    if name not in class_names:
        raise CifarlabError(discovery.unknown("class", name, class_names))
    return list(class_names).index(name)


def _choice(query: Mapping[str, str], key: str, known: Sequence[str], default: str) -> str:
    value = query.get(key) or default
    if value not in known and value != default:
        raise CifarlabError(discovery.unknown(key, value, known))
    return value


def _percent(query: Mapping[str, str], key: str, default: float) -> float:
    text = query.get(key)
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 100:
        raise CifarlabError(f"{key} must be a percentage between 0 and 100. Received: {text!r}")
    return value / 100
