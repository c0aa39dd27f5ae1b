"""Files of predictions and labels in, checked predictions out, with what was assumed on the way."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from cifarlab.evaluation.external._arrays import read_arrays
from cifarlab.evaluation.external._classes import FILE, UNNAMED, Classes, are_names, class_numbers, name_classes
from cifarlab.evaluation.external._columns import read_columns, read_label_columns
from cifarlab.evaluation.external._doubts import check_columns, check_labels, check_order, check_start
from cifarlab.evaluation.external._hard_classes import gather_classes
from cifarlab.evaluation.external._matching import match
from cifarlab.evaluation.external._scores import read_logits
from cifarlab.evaluation.external._table import Table
from cifarlab.evaluation.external._text import read_cells
from cifarlab.runs.predictions import HardPredictions, Predictions
from cifarlab.utils.array_files import BROKEN_ARCHIVE
from cifarlab.utils.arrays import Array
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.text import counted

KINDS = (".npz", ".npy", ".csv", ".tsv", ".txt")
_EXPORTS = {
    ".xlsx": "an Excel workbook: save it as CSV UTF-8", ".xls": "an Excel workbook: save it as CSV UTF-8",
    ".parquet": "Parquet: write it with DataFrame.to_csv", ".feather": "Feather: write it with DataFrame.to_csv",
    ".json": "JSON: write a csv or an npz", ".pkl": "a pickle, which could run code: save an npz",
    ".pickle": "a pickle, which could run code: save an npz", ".pt": "a pickle of torch: save an npz",
    ".pth": "a pickle of torch: save an npz", ".gz": "compressed: unpack it",
    ".rds": "of R: use write.csv", ".mat": "of Matlab: use writematrix",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class External:
    """What was read.

    Attributes:
        predictions: With probabilities, or with predicted classes alone.
    """

    predictions: Predictions | HardPredictions
    notices: tuple[str, ...]


def predictions_from_files(
    predictions: str | Path, labels: str | Path | None = None, class_names: Sequence[str] | None = None
) -> Predictions | HardPredictions:
    """Read what any model said, as checked predictions.

    Args:
        predictions: `.npz` with `logits` or `probabilities` `(N, K)`, and perhaps `labels`, `ids`, `class_names`;
            `.npy` with `(N, K)`; or text (`.csv`, `.tsv`, `.txt`) with a column a class, as pandas, Excel and R write
            it, in which ids, labels, predictions and row numbers are no classes. Where the file does not say which they
            are, numbers from 0 to 1 whose rows sum to 1 are probabilities, and numbers outside of 0 to 1 are logits.
            Where it has no columns of classes but one of predictions, these are read as hard predictions.
        labels: `.npz` with `labels` and perhaps `ids`, `.npy`, or text with one a line, or with columns `label` and
            perhaps `id`: class numbers from 0, or class names. Not needed where the predictions file holds them. Where
            both files have ids, labels are matched by them.
        class_names: In the order of the labels; by default those in the file, else `class 0`, `class 1`, ... Columns
            of these names are taken in this order; columns without names, or with other names, as they stand.

    Raises:
        CifarlabError: If a file cannot be read, could be read in several ways, the numbers are neither logits nor
            probabilities or not finite, or the labels do not fit them.
    """
    return read_external(predictions, labels, class_names).predictions


def read_external(
    predictions: str | Path, labels: str | Path | None = None, class_names: Sequence[str] | None = None
) -> External:
    """`predictions_from_files`, with what was assumed.

    Raises:
        CifarlabError: As there.
    """
    table = _read(Path(predictions), class_names)
    if table.scores is not None:
        read_logits(table)  # what is wrong with the numbers is said before what is wrong with names and labels
    truth = table if labels is None else _read(Path(labels), labels=True)
    if labels is not None and table.scores is None and table.predicted is None:
        _check_submission(table, Path(labels))
        table = replace(table, predicted=table.labels)  # as in submissions: id,label
    if table.scores is None and table.predicted is None:
        raise CifarlabError(f"{table.path} holds no predictions: expected a column a class, or one named prediction")
    if truth.labels is None:
        raise CifarlabError(f"{truth.path} holds no labels: give them with --labels FILE")
    for each in (table.scores, table.predicted, truth.labels):
        if each is not None and each.ndim == 0:
            raise CifarlabError(f"{table.path} or {truth.path} holds a single number: expected one or more an image")
    return _hard(table, truth, class_names) if table.scores is None else _soft(table, truth, class_names)


def _check_submission(table: Table, labels: Path) -> None:
    """Labels may be predictions in a table of text, as competitions want them; not those they are held against."""
    own = table.path.suffix.lower() == ".npz"
    if table.labels is not None and (own or (labels.is_file() and table.path.samefile(labels))):
        what = "labels alone" if own else "the labels themselves"
        raise CifarlabError(f"{table.path} holds {what}: expected predictions; name the array or column predicted")


def _soft(table: Table, truth: Table, given: Sequence[str] | None) -> External:
    together, as_stored = table is truth, table
    table, classes = name_classes(table, given, truth)
    logits, told = read_logits(table)
    table, truth, ids, order, matched = match(table, table if together else truth)
    assert truth.labels is not None
    named = _label_source(as_stored, classes) if together else truth
    numbers, labelled = class_numbers(truth.labels, named, classes)
    by_name = are_names(truth.labels, classes)
    check_columns(table, classes, logits, by_name)
    check_labels(table, classes, logits, numbers, by_name)
    found = Predictions(ids, numbers[order], logits, classes.names)
    certain = by_name or _named_there(classes, truth, together)
    labelled += check_order(found, classes.source, certain)
    notices = [*_notices(table, truth), *classes.notices, *told, *matched, *labelled]
    if table.labels is not None and not together:
        inner, _ = class_numbers(table.labels, _label_source(as_stored, classes), classes)
        differing = int((inner != found.labels).sum())
        if differing:
            notices.append(
                f"{table.path.name} has other labels in {counted(differing, 'image')}; {truth.path.name} counts."
            )
    if table.predicted is not None:
        beside, _ = class_numbers(table.predicted, _label_source(as_stored, classes), classes, "prediction")
        notices += _disagreement(table, found, beside)
    return External(found, tuple(notices))


def _hard(table: Table, truth: Table, given: Sequence[str] | None) -> External:
    together = table is truth
    classes = gather_classes(table, given, truth)
    table, truth, ids, order, matched = match(table, truth)
    assert table.predicted is not None
    assert truth.labels is not None
    predicted, said = class_numbers(table.predicted, _label_source(table, classes), classes, "prediction")
    numbers, labelled = class_numbers(truth.labels, _label_source(table, classes) if together else truth, classes)
    found = HardPredictions(ids, numbers[order], predicted, classes.names)
    if classes.source == UNNAMED:
        check_start(table, truth, predicted, found.labels)
    certain = not (_are_numbers(table.predicted) and _are_numbers(truth.labels))
    certain = certain or _named_there(classes, truth, together)
    labelled += check_order(found, classes.source, certain)
    told = f"{table.path.name} has predicted classes alone: loss, calibration, top-3 and risk need probabilities."
    notices = [*_notices(table, truth), told, *classes.notices, *matched, *said, *labelled]
    return External(found, tuple(dict.fromkeys(notices)))


def _named_there(classes: Classes, truth: Table, together: bool) -> bool:
    """Whether the file of the labels itself names its classes."""
    return classes.source == FILE and (together or truth.class_names is not None)


def _are_numbers(values: Array) -> bool:
    try:
        return bool(np.isfinite(values.astype(np.float64)).all())
    except ValueError:
        return False


def _label_source(table: Table, classes: Classes) -> Table:
    """Class numbers beside predictions follow the names of their own npz, unless these were replaced."""
    keeps = table.path.suffix.lower() == ".npz" and set(table.class_names or ()) == set(classes.names)
    return table if keeps else replace(table, class_names=None)


def _notices(table: Table, truth: Table) -> list[str]:
    return list(table.notices) if table is truth else [*table.notices, *truth.notices]


def _disagreement(table: Table, found: Predictions, beside: Array) -> list[str]:
    """What to say of predicted classes beside the probabilities; others in most images are refused: another order."""
    differing = int((beside != found.predicted).sum())
    if differing > len(found) / 2:
        raise CifarlabError(
            f"{table.path} has predicted classes that are not the highest in {differing:,} of {len(found):,} images: "
            "the columns may be in another order; say the right one with --class-names"
        )
    return [f"In {differing:,} images the predicted class is not the highest; the highest counts."] if differing else []


def _read(path: Path, class_names: Sequence[str] | None = None, *, labels: bool = False) -> Table:
    _check_file(path, "true classes, one an image" if labels else "logits or probabilities, images x classes")
    try:
        if path.suffix.lower() in (".npz", ".npy"):
            return read_arrays(path, only_labels=labels)
        cells = read_cells(path)
        return read_label_columns(cells) if labels else read_columns(cells, class_names)
    except (*BROKEN_ARCHIVE, csv.Error) as error:
        reason = getattr(error, "strerror", None) or str(error).partition("\n")[0]
        hint = "; save it as plain numbers or text, as with array.astype(float)" if "allow_pickle" in reason else ""
        reason = "it holds Python objects" if "allow_pickle" in reason else reason
        raise CifarlabError(f"cannot read {path}: {reason}; expected numbers, without Python objects{hint}") from error


def _check_file(path: Path, wanted: str) -> None:
    kind = path.suffix.lower()
    if kind not in KINDS:
        known = f" ({_EXPORTS[kind]})" if kind in _EXPORTS else ""
        raise CifarlabError(f"{path} is of no known kind{known}: expected a file that ends in {', '.join(KINDS)}")
    if path.exists() and not path.is_file():
        raise CifarlabError(f"{path} is no regular file: expected {wanted}, as npz, npy or csv; save them as a file")
    if not path.is_file():
        raise CifarlabError(f"no file {path}: expected {wanted}, as npz, npy or csv; give its path")
