"""Which images a page shows and in which order: filters read from an address, and applied."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifarlab.runs.predictions import Predictions
from cifarlab.utils import discovery
from cifarlab.utils.errors import CifarlabError
from cifarlab.web.pages.label_doubts import Doubts

Rows = NDArray[np.int64]

SHOWN = ("wrong", "right", "all")
# With `against` another run: right here and wrong there, or the other way round.
SIDES = ("gained", "lost")
ORDERS = {
    "loss": "highest loss first",
    "-loss": "lowest loss first",
    "confidence": "most confident first",
    "-confidence": "least confident first",
    "doubt": "most suspicious label first",
    "order": "in the order of the data",
}
MARKS = {
    "unmarked": "unmarked",
    "marked": "marked",
    "keep": "kept",
    "relabel": "relabelled",
    "drop": "dropped",
    "unsure": "unsure",
}
DATA_ORDERS = {"order": "in the order of the data", "doubt": "most suspicious label first"}


@dataclass(frozen=True)
class PredictionFilter:
    """Some of a run's predictions.

    Attributes:
        shown: One of `SHOWN`.
        true: The label, or None for any.
        said: The class named, or None for any.
        least: Lowest confidence, a fraction.
        most: Highest confidence, a fraction.
        doubt: Lowest doubt of the label, a fraction; 0 for any.
        order: One of `ORDERS`.
        side: One of `SIDES` where another run is compared with; else empty.
        marks: One of `MARKS`, or empty for any; see `select_marked`.
    """

    shown: str = "wrong"
    true: int | None = None
    said: int | None = None
    least: float = 0.0
    most: float = 1.0
    doubt: float = 0.0
    order: str = "loss"
    side: str = ""
    marks: str = ""


@dataclass(frozen=True)
class DataFilter:
    """Some of a data set's images.

    Attributes:
        label: The class, or None for any.
        doubt: Lowest doubt of the label, a fraction; 0 for any.
        order: One of `DATA_ORDERS`.
        marks: One of `MARKS`, or empty for any; see `select_marked`.
    """

    label: int | None = None
    doubt: float = 0.0
    order: str = "order"
    marks: str = ""


def read_prediction_filter(query: Mapping[str, str], class_names: Sequence[str]) -> PredictionFilter:
    """The filter that an address asks for.

    Raises:
        CifarlabError: If a value is unknown or out of range.
    """
    true, said = (_label(query, key, class_names) for key in ("true", "said"))
    # A cell of the confusion matrix is all its images, also on the diagonal.
    default = "all" if true is not None and said is not None else "wrong"
    return PredictionFilter(
        _choice(query, "shown", SHOWN, default),
        true,
        said,
        read_percent(query, "least", 0.0),
        read_percent(query, "most", 1.0),
        read_percent(query, "doubt", 0.0),
        _choice(query, "sort", tuple(ORDERS), "loss"),
        _choice(query, "side", SIDES, "") if query.get("against") else "",
        _choice(query, "marks", tuple(MARKS), ""),
    )


def read_data_filter(query: Mapping[str, str], class_names: Sequence[str]) -> DataFilter:
    """The filter that an address asks for.

    Raises:
        CifarlabError: If a value is unknown or out of range.
    """
    order = _choice(query, "sort", tuple(DATA_ORDERS), "order")
    marks = _choice(query, "marks", tuple(MARKS), "")
    return DataFilter(_label(query, "class", class_names), read_percent(query, "doubt", 0.0), order, marks)


def select_predictions(
    predictions: Predictions,
    chosen: PredictionFilter,
    doubts: Doubts | None = None,
    other: Predictions | None = None,
) -> Rows:
    """The rows of a run's predictions that a filter leaves, in its order.

    Args:
        predictions: The run's.
        chosen: The filter.
        doubts: Of the labels; without them a filter by doubt leaves nothing, and an order by doubt is that of the loss.
        other: Another run's predictions, for `side`.

    Returns:
        `(M,)` int64.
    """
    right = predictions.predicted == predictions.labels
    confidence, losses = predictions.probabilities.max(axis=1), predictions.losses
    keep = {"wrong": ~right, "right": right, "all": np.ones_like(right)}[chosen.shown]
    if chosen.true is not None:
        keep = keep & (predictions.labels == chosen.true)
    if chosen.said is not None:
        keep = keep & (predictions.predicted == chosen.said)
    # A limit that was read off a page, such as 55 %, keeps what rounds to it: logits are float32.
    keep = keep & (confidence >= chosen.least - 1e-6) & (confidence <= chosen.most + 1e-6)
    if chosen.side and other is not None:
        keep = keep & _side(chosen.side, predictions, other)
    doubt = _doubt(predictions.ids, chosen, doubts)
    keep = keep & (doubt >= chosen.doubt) if chosen.doubt else keep
    keys = {
        "loss": -losses,
        "-loss": losses,
        "confidence": -confidence,
        "-confidence": confidence,
        "doubt": -losses if (doubt < 0).all() else -doubt,
        "order": np.arange(len(right)),
    }
    return _sorted_rows(keep, keys[chosen.order])


def select_images(
    labels: NDArray[np.int64], ids: NDArray[np.str_], chosen: DataFilter, doubts: Doubts | None = None
) -> Rows:
    """The rows of a split that a filter leaves, in its order.

    Args:
        labels: `(N,)` of the split.
        ids: `(N,)` str.
        chosen: The filter.
        doubts: Of the labels; without them a filter by doubt leaves nothing.

    Returns:
        `(M,)` int64.
    """
    keep = np.ones(len(labels), bool) if chosen.label is None else labels == chosen.label
    doubt = _doubt(ids, chosen, doubts)
    keep = keep & (doubt >= chosen.doubt) if chosen.doubt else keep
    return _sorted_rows(keep, -doubt if chosen.order == "doubt" else np.arange(len(labels)))


def select_marked(rows: Rows, ids: NDArray[np.str_], wanted: str, verdicts: Mapping[str, str]) -> Rows:
    """Those of some rows whose images have a mark, or none.

    Args:
        rows: `(M,)` int64.
        ids: `(N,)` str.
        wanted: One of `MARKS`.
        verdicts: Image id to its verdict, of those that have one.
    """
    named = [image_id for image_id, verdict in verdicts.items() if wanted in ("unmarked", "marked", verdict)]
    return rows[np.isin(ids[rows], np.array(named, str), invert=wanted == "unmarked")]


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


def _sorted_rows(keep: NDArray[np.bool_], keys: NDArray[Any]) -> Rows:
    """The rows of `keep` by their keys, equal ones in the order of the data."""
    rows = np.flatnonzero(keep)
    return rows[np.argsort(keys[rows], kind="stable")].astype(np.int64)


def _doubt(ids: NDArray[np.str_], chosen: PredictionFilter | DataFilter, doubts: Doubts | None) -> NDArray[np.float32]:
    """`(N,)` each image's doubt; -1, which is less than any, where there is none or the filter does not ask for it."""
    if doubts is None or not (chosen.doubt or chosen.order == "doubt"):
        return np.full(len(ids), -1, np.float32)
    return np.nan_to_num(doubts.of(ids.tolist()), nan=-1.0)


def _side(side: str, predictions: Predictions, other: Predictions) -> NDArray[np.bool_]:
    """`(N,)`: whether only this run (`"gained"`), or only the other one, names an image's label."""
    right = predictions.predicted == predictions.labels
    other_right = dict(zip(other.ids.tolist(), (other.predicted == other.labels).tolist(), strict=True))
    expected = side != "gained"  # of the other run; an image that it was not asked about is on neither side
    other_is = np.array([other_right.get(image_id) is expected for image_id in predictions.ids.tolist()], bool)
    return np.asarray((right != expected) & other_is)


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


def read_percent(query: Mapping[str, str], key: str, default: float) -> float:
    """A share that an address gives as a percentage.

    Raises:
        CifarlabError: If it is not between 0 and 100.
    """
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
