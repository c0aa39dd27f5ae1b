"""Models trained elsewhere: their predictions and labels, read from the files that other tools write."""

import csv
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cifarlab import files, metrics
from cifarlab.errors import CifarlabError
from cifarlab.human_labels import load_human_labels, score_with_humans
from cifarlab.records import Array, Predictions
from cifarlab.wording import counted

SCORES = ("logits", "probabilities")
_KINDS = (".npz", ".npy", ".csv", ".txt")
_SUM_TOLERANCE = 1e-3  # float16 probabilities of a thousand classes are off by no more
_SMALLEST = float(np.finfo(np.float32).tiny)


def predictions_from_files(
    predictions: str | Path, labels: str | Path | None = None, class_names: Sequence[str] | None = None
) -> Predictions:
    """Read what any model said, as checked predictions.

    Args:
        predictions: `.npz` with `logits` or `probabilities` `(N, K)`, and perhaps `labels`, `ids`, `class_names`;
            `.npy` with `(N, K)`; or `.csv` with a column a class, perhaps under a header, in which `id` and `label`
            are no classes. Where the file does not say which they are, numbers from 0 to 1 whose rows sum to 1 are
            probabilities, and numbers outside of 0 to 1 are logits.
        labels: `.npz` with `labels` and perhaps `ids`, `.npy`, `.txt` with one a line, or `.csv` with one column, or
            with columns `label` and perhaps `id`: class numbers from 0, or class names. Not needed where the
            predictions file holds them. Where both files have ids, labels are matched by them.
        class_names: In the order of the columns; by default those in the file, else `class 0`, `class 1`, ...

    Raises:
        CifarlabError: If a file cannot be read, the numbers are neither logits nor probabilities or not finite, or the
            labels do not fit them.
    """
    table = _read(Path(predictions))
    scores, kind = _scores(table)
    names = _class_names(class_names, table, scores.shape[1])
    truth = table if labels is None else _read(Path(labels), only_labels=True)
    if truth.labels is None:
        raise CifarlabError(f"{truth.path} holds no labels: give them with --labels FILE")
    numbers = _label_numbers(truth, names)
    ids, numbers = _match(table, truth, numbers, len(scores))
    _check_range(truth, numbers, len(names))
    logits = scores if kind == "logits" else np.log(np.maximum(scores, _SMALLEST))
    if np.abs(logits).max() > np.finfo(np.float32).max:
        raise CifarlabError(f"{table.path} has logits beyond the range of float32: expected numbers under 1e38")
    return Predictions(ids, numbers, logits.astype(np.float32), names)


def evaluate_files(
    predictions: str | Path,
    labels: str | Path | None = None,
    class_names: Sequence[str] | None = None,
    output: str | Path | None = None,
    human_labels: str | Path | None = None,
) -> dict[str, Any]:
    """Score a model trained elsewhere, as `evaluate` scores a run.

    Args:
        predictions: As for `predictions_from_files`.
        labels: As for `predictions_from_files`.
        class_names: As for `predictions_from_files`.
        output: A folder for `predictions.npz` and `scores.json`; without it nothing is written.
        human_labels: CIFAR-10H's counts, where these are predictions of CIFAR-10's test set in its own order.

    Returns:
        The numbers of `metrics.score`, and `run` (the file's name), `data` (the labels' file), `split` (`"given"`),
        `looks` (None: nobody counts them), `notices` and, with human labels, `human`.

    Raises:
        CifarlabError: As from `predictions_from_files`, if the human labels do not fit them, or if the folder cannot be
            written.
    """
    humans = None if human_labels is None else load_human_labels(human_labels)
    found = predictions_from_files(predictions, labels, class_names)
    impossible = int((found.probabilities[np.arange(len(found)), found.labels] < 2 * _SMALLEST).sum())
    share = f"probability 0 for the true class of {counted(impossible, 'image')}, which counts as 1e-38 in the loss"
    scores = {
        "run": Path(predictions).name,
        "data": Path(predictions if labels is None else labels).name,
        "split": "given",
        "looks": None,
        "notices": [f"There is {share}."] if impossible else [],
        **metrics.score(found),
        **({} if humans is None else {"human": score_with_humans(found, humans, own_order=False)}),
    }
    if output is not None:
        found.save(Path(output) / "predictions.npz")
        files.write_json(Path(output) / "scores.json", scores)
    return scores


def check_alone(runs: Sequence[str] | None, **others: object) -> None:
    """Make sure that nothing is asked for that a file of predictions cannot answer.

    Raises:
        CifarlabError: If runs are given too, or any of the `others`, which are options by their names.
    """
    if runs:
        raise CifarlabError(f"--predictions stands instead of runs: leave out {runs[0]}, or --predictions")
    given = next((name for name, value in others.items() if value is not None), None)
    if given:
        raise CifarlabError(f"--{given.replace('_', '-')} belongs to runs: leave it out with --predictions")


@dataclass(frozen=True, eq=False)
class _Table:
    """What one file holds."""

    path: Path
    scores: Array | None = None
    kind: str | None = None
    labels: Array | None = None
    ids: Array | None = None
    class_names: tuple[str, ...] | None = None


def _read(path: Path, only_labels: bool = False) -> _Table:
    if path.suffix.lower() not in _KINDS:
        raise CifarlabError(f"{path} is of no known kind: expected a file that ends in {', '.join(_KINDS)}")
    if not path.is_file():
        wanted = "true classes, one an image" if only_labels else "logits or probabilities, images x classes"
        raise CifarlabError(f"no file {path}: expected {wanted}, as npz, npy or csv; give its path")
    try:
        if path.suffix.lower() == ".npz":
            return _read_npz(path, only_labels)
        if path.suffix.lower() == ".npy":
            array = np.load(path, allow_pickle=False)
            return _Table(path, labels=array) if only_labels else _Table(path, array)
        rows = _read_rows(path)
        return _label_table(path, rows) if only_labels else _score_table(path, rows)
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, csv.Error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise CifarlabError(f"cannot read {path}: {reason}; expected numbers, without Python objects") from error


def _read_npz(path: Path, only_labels: bool) -> _Table:
    with np.load(path, allow_pickle=False) as stored:
        names = set(stored.files)
        single = stored[next(iter(names))] if len(names) == 1 else None
        labels = stored["labels"] if "labels" in names else single if only_labels else None
        ids = stored["ids"].astype(str) if "ids" in names else None
        class_names = tuple(stored["class_names"].astype(str).tolist()) if "class_names" in names else None
        kinds = [name for name in SCORES if name in names]
        if only_labels:
            return _Table(path, None, None, labels, ids, class_names)
        if not kinds and single is None:
            raise CifarlabError(
                f"{path} holds {', '.join(sorted(names))}: expected an array named logits or probabilities"
            )
        scores = stored[kinds[0]] if kinds else single
    return _Table(path, scores, kinds[0] if kinds else None, labels, ids, class_names)


def _read_rows(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = [[cell.strip() for cell in row] for row in csv.reader(file) if any(cell.strip() for cell in row)]
    if not rows:
        raise CifarlabError(f"{path} is empty")
    uneven = next((number for number, row in enumerate(rows, 1) if len(row) != len(rows[0])), None)
    if uneven:
        raise CifarlabError(
            f"{path} has {counted(len(rows[uneven - 1]), 'column')} in row {uneven:,} and {len(rows[0]):,} in the first"
        )
    return rows


def _score_table(path: Path, rows: list[list[str]]) -> _Table:
    header = None if all(_is_number(cell) for cell in rows[0]) else rows.pop(0)
    if header is None:
        return _Table(path, np.array(rows, np.float64))
    special = {name.lower(): place for place, name in enumerate(header) if name.lower() in ("id", "label")}
    classes = [place for place in range(len(header)) if place not in special.values()]
    columns = {name: np.array([row[place] for row in rows], str) for name, place in special.items()}
    scores = np.array([[row[place] for place in classes] for row in rows], np.float64).reshape(len(rows), len(classes))
    names = tuple(header[place] for place in classes)
    return _Table(path, scores, None, columns.get("label"), columns.get("id"), names)


def _label_table(path: Path, rows: list[list[str]]) -> _Table:
    lowered = [cell.lower() for cell in rows[0]]
    header = lowered if "label" in lowered else None
    if header is None and len(lowered) > 1:
        raise CifarlabError(f"{path} has {len(lowered)} columns: expected one, or a header with label and perhaps id")
    body = rows if header is None else rows[1:]
    place = header.index("label") if header else 0
    ids = np.array([row[header.index("id")] for row in body], str) if header and "id" in header else None
    return _Table(path, labels=np.array([row[place] for row in body], str), ids=ids)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _scores(table: _Table) -> tuple[Array, str]:
    """`(N, K)` float64, and whether they are logits or probabilities."""
    path, scores = table.path, table.scores
    if scores is None or scores.ndim != 2 or scores.shape[1] < 2 or len(scores) == 0 or scores.dtype.kind not in "fiu":
        shown = "none" if scores is None else f"shape {scores.shape}, {scores.dtype}"
        raise CifarlabError(f"{path}: expected numbers of shape (images, classes), at least 1 x 2. Received: {shown}")
    scores = scores.astype(np.float64)
    broken = np.flatnonzero(~np.isfinite(scores).all(axis=1))
    if len(broken):
        where = f"{len(broken):,} of {len(scores):,} rows, row {broken[0]:,} first"
        raise CifarlabError(f"{path} has NaN or infinity in {where}")
    outside = bool(scores.min() < 0 or scores.max() > 1 + _SUM_TOLERANCE)
    sums = scores.sum(axis=1)
    unequal = np.flatnonzero(np.abs(sums - 1) > _SUM_TOLERANCE)
    if table.kind == "logits" or (table.kind is None and outside):
        return scores, "logits"
    if outside or len(unequal):
        beyond = np.flatnonzero(((scores < 0) | (scores > 1)).any(axis=1))
        row = int(unequal[0] if len(unequal) else beyond[0])
        wrong = f"row {row:,} goes from {scores[row].min():.4g} to {scores[row].max():.4g} and sums to {sums[row]:.4g}"
        raise CifarlabError(
            f"{path} holds neither logits nor probabilities: {wrong}; expected rows of 0 to 1 that sum to 1, or an npz "
            "file whose array is named logits"
        )
    return scores / sums[:, None], "probabilities"


def _class_names(given: Sequence[str] | None, table: _Table, count: int) -> tuple[str, ...]:
    names = tuple(given) if given else table.class_names or tuple(f"class {index}" for index in range(count))
    if len(names) != count or len(set(names)) != count:
        raise CifarlabError(
            f"{table.path} has {counted(count, 'class', 'classes')}: expected as many different names. "
            f"Received: {len(names)}"
        )
    return names


def _label_numbers(truth: _Table, names: tuple[str, ...]) -> Array:
    """`(M,)` int64: numbers as they are, names by their place."""
    labels = truth.labels
    assert labels is not None
    if labels.ndim == 2 and labels.shape[1] == 1:  # as Keras stores them
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise CifarlabError(f"{truth.path}: expected labels of shape (images,). Received: shape {labels.shape}")
    if labels.dtype.kind in "US":
        places = {name: str(index) for index, name in enumerate(names)}
        labels = np.array([places.get(str(label), str(label)) for label in labels], str)
        strange = [str(label) for label in labels if not _is_number(str(label))]
        if strange:
            raise CifarlabError(
                f"{truth.path} has label {strange[0]!r}: expected a class number or one of {_few(names)}"
            )
        labels = labels.astype(np.float64)
    if labels.dtype.kind not in "iuf" or not np.array_equal(labels, np.floor(labels)):
        raise CifarlabError(f"{truth.path}: expected labels that are whole numbers. Received: {labels.dtype}")
    return np.asarray(labels, np.int64)


def _match(table: _Table, truth: _Table, labels: Array, count: int) -> tuple[Array, Array]:
    """Ids and labels in the order of the predictions."""
    if len(labels) != count:
        raise CifarlabError(
            f"{table.path} has {counted(count, 'prediction')}, but {truth.path} has {counted(len(labels), 'label')}"
        )
    ids = next((each.ids for each in (table, truth) if each.ids is not None), None)
    if ids is None:
        return np.array([f"{index:08d}" for index in range(count)], str), labels
    for each in (table, truth):
        if each.ids is not None and len(set(each.ids.tolist())) != count:
            raise CifarlabError(f"{each.path}: expected {count:,} ids, all different. Received: {len(each.ids):,}")
    if table is truth or table.ids is None or truth.ids is None:
        return ids, labels
    strangers = np.setxor1d(table.ids, truth.ids)
    if len(strangers):
        raise CifarlabError(
            f"{table.path} and {truth.path} are about different images: {str(strangers[0])!r} is in one only"
        )
    order = np.empty(count, np.int64)
    order[np.argsort(table.ids)] = np.argsort(truth.ids)
    return ids, labels[order]


def _check_range(truth: _Table, labels: Array, count: int) -> None:
    wrong = np.flatnonzero((labels < 0) | (labels >= count))
    if len(wrong):
        received = f"{labels[wrong[0]]} (number {wrong[0]:,})"
        raise CifarlabError(f"{truth.path} has label {received}: expected 0 to {count - 1} for {count} classes")


def _few(names: tuple[str, ...]) -> str:
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
