"""Tables that could be read in two ways, with other numbers: refused in one line that says how to make it certain."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from cifarlab import metrics
from cifarlab.evaluation.external._classes import COLUMNS, GIVEN, UNNAMED, Classes, numbers_of
from cifarlab.evaluation.external._table import Table
from cifarlab.runs.predictions import HardPredictions, Predictions
from cifarlab.utils.arrays import Array
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.text import percent

_FEWEST = 3  # rows: two may be anything by chance
_IMAGES_A_CLASS = 5  # with fewer, some order of the classes fits by chance
_MUCH_BETTER, _LEAST_RIGHT = 0.25, 0.5
_SUM_TOLERANCE = 1e-3
_MOST_SHOWN = 4


def check_columns(table: Table, classes: Classes, logits: Array, by_name: bool) -> None:
    """Make sure that no column is anything else than a class, where nobody has named the classes.

    Args:
        table: With scores `(N, K)`.
        classes: Of the columns.
        logits: `(N, K)`: of probabilities their logarithms.
        by_name: Whether the labels are names of columns, not their places.

    Raises:
        CifarlabError: If a column looks like something else.
    """
    assert table.scores is not None
    if classes.source not in (COLUMNS, UNNAMED):
        return
    scores = np.asarray(table.scores, np.float64)
    twin = next((name for name in table.class_names or () if name.rpartition(".")[0] in (table.class_names or ())), "")
    if twin.rpartition(".")[2].isdigit():
        raise _no_class(table, repr(twin), f"looks like a copy of {twin.rpartition('.')[0]!r}")
    if not by_name:
        _check_answers(table, classes, scores, logits)
    if len(scores) < _FEWEST:
        return
    called = classes.source == COLUMNS and table.kind is not None  # all of them logit_..., also one that is constant
    for place, name in enumerate(classes.names):
        if _sums_to_one(logits) or (called and np.ptp(scores[:, place]) == 0):
            continue
        why = _why_no_class(scores, place)
        if why:
            raise _no_class(table, repr(name) if classes.source == COLUMNS else str(place + 1), why)


def check_labels(table: Table, classes: Classes, logits: Array, labels: Array, by_name: bool) -> None:
    """Make sure that labels and columns are about the same classes.

    Args:
        table: With scores `(N, K)`.
        classes: Of the columns.
        logits: `(N, K)`.
        labels: `(N,)` places among the classes.
        by_name: Whether the labels are names of columns, not their places.

    Raises:
        CifarlabError: If a column has no image and may be no class, or labels may count from 0 or from 1.
    """
    if classes.source not in (COLUMNS, UNNAMED):
        return
    names, count = classes.names, len(classes.names)
    numbered = numbers_of(names) if classes.source == COLUMNS else None
    if numbered is not None and (by_name or min(numbered) == 0):  # class_0 to class_9 say which classes there are
        return
    if not by_name and labels.min() > 0:
        raise CifarlabError(
            f"{table.path} has {count} columns, and the labels go from {labels.min()} to {labels.max()}: they may "
            f"count from 0 or from 1; {_say_which(classes)}"
        )
    unseen = sorted(set(range(count)) - set(labels.tolist()))
    if _sums_to_one(logits):
        _refuse_constant(table, classes, logits, unseen)
        return
    if by_name and unseen:
        raise CifarlabError(
            f"{table.path} has column {names[unseen[0]]!r}, and no label is called so: take it out if it is no class, "
            f"else say --class-names {_shown(names)}"
        )
    if not by_name and labels.max() + 1 < count:
        raise CifarlabError(
            f"{table.path} has {count} columns, and the labels go from 0 to {labels.max()}: take out columns that are "
            f"no classes, else say --class-names {_shown(_own(classes))}"
        )


def check_order(found: Predictions | HardPredictions, source: str, certain: bool) -> list[str]:
    """What to say where the answers would fit far better with the classes in another order.

    Args:
        found: The predictions.
        source: Where the names of the classes are from, as in `Classes`.
        certain: Whether labels and answers met by names, or are of one file that names its classes.

    Raises:
        CifarlabError: If nobody said that the order is the right one.
    """
    counts = metrics.confusion_matrix(found)
    if len(found) < _IMAGES_A_CLASS * len(counts):
        return []
    rows, columns = optimize.linear_sum_assignment(counts, maximize=True)
    best, right = int(counts[rows, columns].sum()) / len(found), int(counts.trace()) / len(found)
    if best < max(_LEAST_RIGHT, right + _MUCH_BETTER):
        return []
    told = f"{percent(right, 0)} of the answers are right, but {percent(best, 0)} would be"
    told += " with the classes in another order"
    if certain or source == GIVEN:
        return [f"{told}: make sure that labels and columns are in the same."]
    names = [found.class_names[column] for column in columns]
    if source != UNNAMED:
        better, current = ",".join(names), ",".join(found.class_names)
        raise CifarlabError(
            f"{told}, {better}: say with --class-names {better} which class each label number is, or with "
            f"--class-names {current} that the columns are in the order of the labels"
        )
    raise CifarlabError(
        f"{told} ({', '.join(f'label {row} as {column}' for row, column in enumerate(columns[:_MOST_SHOWN]))}, ...): "
        "bring labels and predictions into one order, or say with --class-names A,B,... that they are in one"
    )


def check_start(table: Table, truth: Table, predicted: Array, labels: Array) -> None:
    """Make sure that class numbers of two files do not count from 0 in one and from 1 in the other.

    Args:
        table: Of the predictions.
        truth: Of the labels.
        predicted: `(N,)` numbers.
        labels: `(N,)` numbers.

    Raises:
        CifarlabError: If one never has 0, the other has, and they agree more often one apart.
    """
    agree = int((predicted == labels).sum())
    for one, other, first, second in ((table, truth, predicted, labels), (truth, table, labels, predicted)):
        if first.min() == 1 and second.min() == 0 and int((first - 1 == second).sum()) > agree:
            raise CifarlabError(
                f"{one.path} never has class 0, {other.path} does, and more answers are right if the first counts from "
                "1: begin both at 0, or say with --class-names A,B,... that they do"
            )


def _check_answers(table: Table, classes: Classes, scores: NDArray[np.float64], logits: Array) -> None:
    """Columns of whole numbers may be the answers of several models, or an id and an answer."""
    count = scores.shape[1]
    whole = table.path.suffix.lower() in (".csv", ".tsv", ".txt") or np.asarray(table.scores).dtype.kind in "iub"
    numbered = classes.source == COLUMNS and numbers_of(classes.names) is not None
    shares = _sums_to_one(logits) and (count > 2 or scores.max() > 1)
    if not whole or table.kind is not None or numbered or shares or bool((scores != np.floor(scores)).any()):
        return
    if count == 2 or (scores.min() >= 0 and scores.max() < count):
        columns = f"{'two' if count == 2 else count} columns of whole numbers"
        raise CifarlabError(
            f"{table.path} has {columns}, which may be the answers of {'two' if count == 2 else count} models, or ids: "
            f"if they are the scores of {'two' if count == 2 else count} classes, name these with --class-names A,B,..."
        )


def _why_no_class(scores: NDArray[np.float64], place: int) -> str:
    """Why a column is hardly a class; empty where it may be one."""
    column, others = scores[:, place], np.delete(scores, place, axis=1)
    varied = bool((np.ptp(others, axis=0) > 0).any())
    if not varied:
        return ""
    if np.ptp(column) == 0 and not (column[0] == 0 and scores.shape[1] == 2):  # a reference class has the logit 0
        return f"is {column[0]:g} in each row"
    rows = np.arange(len(column))
    if any(np.array_equal(np.sort(column), rows + start) for start in (0, 1)):
        return "numbers the rows"
    if scores.shape[1] > 2:
        for name, reduce in (("highest", np.max), ("lowest", np.min), ("sum", np.sum), ("mean", np.mean)):
            if np.allclose(column, reduce(others, axis=1), rtol=1e-6, atol=1e-9):
                return f"is the {name} of the others in each row"
        if others.min() >= 0 and np.allclose(others.sum(axis=1), 1, atol=_SUM_TOLERANCE):
            return "is left where the others sum to 1, as probabilities do"
    same = next((other for other in others.T if np.array_equal(column, other)), None)
    return "" if same is None else "is the same as another"


def _refuse_constant(table: Table, classes: Classes, logits: Array, unseen: Sequence[int]) -> None:
    varied = np.ptp(logits, axis=0) > 0  # a model that says the same of every image has no such column alone
    constant = [place for place in unseen if not varied[place] and varied.any() and len(logits) >= _FEWEST]
    if constant:
        column = repr(classes.names[constant[0]]) if classes.source == COLUMNS else str(constant[0] + 1)
        raise _no_class(table, column, "is the same in each row and no image is of it")


def _no_class(table: Table, column: str, why: str) -> CifarlabError:
    return CifarlabError(
        f"{table.path}: column {column} {why}, and may be no class: take it out, or name all classes with --class-names"
    )


def _sums_to_one(logits: Array) -> bool:
    """Whether these are logarithms of probabilities, so that each column is a class."""
    if logits.max() > _SUM_TOLERANCE:
        return False
    return bool(np.allclose(np.exp(logits.astype(np.float64)).sum(axis=1), 1, atol=_SUM_TOLERANCE))


def _say_which(classes: Classes) -> str:
    count = len(classes.names)
    if classes.source == COLUMNS and numbers_of(classes.names) is None:
        return f"from 0, say --class-names {_shown(classes.names)}; from 1, subtract 1"
    numbers = [_shown([str(start + place) for place in range(count)]) for start in (0, 1)]
    return f"from 0, say --class-names {numbers[0]}; from 1, --class-names {numbers[1]}"


def _own(classes: Classes) -> Sequence[str]:
    return classes.names if classes.source == COLUMNS else [str(place) for place in range(len(classes.names))]


def _shown(names: Sequence[str]) -> str:
    return ",".join(names) if len(names) <= 2 * _MOST_SHOWN else ",".join([*names[:_MOST_SHOWN], "...", names[-1]])
