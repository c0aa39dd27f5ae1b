"""Two or more runs, compared on the same images: what the data allow to be said, and where the runs differ."""

import itertools
import math
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from cifarlab import builtin, metrics
from cifarlab.errors import CifarlabError
from cifarlab.metrics import Interval
from cifarlab.metrics._intervals import wilson_limits
from cifarlab.records import Predictions
from cifarlab.runs import Run, open_run

FORMAT = 1
SIGNIFICANCE = 0.05
NOTE = (
    "The tests are about these trained networks on images like these. The same recipe with another seed gives another "
    "network: to compare recipes, train each with several seeds."
)


def compare(runs: Sequence[Run | str | os.PathLike[str]], *, split: str = "test") -> dict[str, Any]:
    """Compare runs by what they predicted for the same images; only `predictions-<split>.npz` is read.

    Args:
        runs: Two or more, each evaluated on `split`.
        split: Which predictions to read.

    Returns:
        Ready for JSON: `format`, `split`, `count` (images), `class_names`, `note`; `runs`: `run`, `path`, and
        `accuracy`, `macro_f1` as `{"value", "low", "high", "method"}`; `pairs`, each with

        - `first`, `second`: the runs' names;
        - `both_right`, `only_first_right_count` (b), `only_second_right_count` (c), `both_wrong`: numbers of images;
        - `accuracy_difference`: accuracy of the first minus that of the second, as an interval;
        - `p_value`: exact McNemar test; `adjusted_p_value`: by Holm over all pairs (the same where there is one);
        - `sentence`: what the data allow to be said;
        - `only_first_right`, `only_second_right`: ids of the images that one got right and the other wrong.

    Raises:
        CifarlabError: If there are fewer than two runs, one has no predictions for `split`, or they were evaluated on
            different images, labels or class names.

    Source: McNemar 1947, Psychometrika 12:153; Holm 1979, Scandinavian Journal of Statistics 6:65.
    """
    entrants = _enter(runs, split)
    count = len(entrants[0].predictions)
    pairs = [_compare_pair(first, second) for first, second in itertools.combinations(entrants, 2)]
    for pair, adjusted in zip(pairs, holm([pair["p_value"] for pair in pairs]), strict=True):
        pair["adjusted_p_value"] = adjusted
        pair["sentence"] = _sentence(pair, count, split, len(pairs))
    return {
        "format": FORMAT,
        "split": split,
        "count": count,
        "class_names": list(entrants[0].predictions.class_names),
        "note": NOTE,
        "runs": [entrant.describe() for entrant in entrants],
        "pairs": pairs,
    }


def mcnemar(b: int, c: int) -> float:
    """Exact McNemar test: how surprising b against c would be if both runs were equally accurate.

    Args:
        b: Images that only the first run got right.
        c: Images that only the second run got right.

    Returns:
        Two-sided p value; 1 where the runs never disagree.
    """
    return float(stats.binomtest(b, b + c).pvalue) if b + c else 1.0


def paired_difference(both: int, b: int, c: int, neither: int) -> Interval:
    """Difference of two accuracies measured on the same images, first minus second.

    Args:
        both: Images that both got right.
        b: Images that only the first got right.
        c: Images that only the second got right.
        neither: Images that both got wrong.

    Source: Newcombe 1998, Statistics in Medicine 17:2635, method 10: a square-and-add of both Wilson intervals with a
        continuity-corrected correlation; sound where the difference is 0 or there are few images.
    """
    n = both + b + c + neither
    first, second = (both + b) / n, (both + c) / n
    (first_low, first_high), (second_low, second_high) = wilson_limits(both + b, n), wilson_limits(both + c, n)
    phi = _correlation(both, b, c, neither)
    below = _square_and_add(first - first_low, second_high - second, phi)
    above = _square_and_add(first_high - first, second - second_low, phi)
    difference = (b - c) / n
    return Interval(difference, difference - below, difference + above, "Newcombe 95 %, paired")


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p values for their number, by Holm's step-down method, which holds for tests of any dependence."""
    adjusted, highest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda index: p_values[index])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = highest
    return adjusted


def show_p(value: float) -> str:
    """A p value with its sign, as it stands after a "p": `< 0.0001`, `= 0.0312`, `= 0.43`, `= 1.00`."""
    if value < 0.0001:
        return "< 0.0001"
    return f"= {value:.4f}" if value < 0.1 else f"= {value:.2f}"


@dataclass(frozen=True, eq=False)
class _Entrant:
    name: str
    path: str
    predictions: Predictions

    @property
    def right(self) -> NDArray[np.bool_]:
        return np.asarray(self.predictions.predicted == self.predictions.labels)

    def describe(self) -> dict[str, Any]:
        numbers = {name: metrics.measure(name, self.predictions).as_dict() for name in ("accuracy", "macro_f1")}
        return {"run": self.name, "path": self.path, **numbers}


def _enter(runs: Sequence[Run | str | os.PathLike[str]], split: str) -> list[_Entrant]:
    opened = [open_run(builtin.locate(run)) for run in runs]
    if len(opened) < 2:
        raise CifarlabError(f"a comparison needs at least two runs. Received: {len(opened)}")
    twice = [path for path, times in Counter(run.path.resolve() for run in opened).items() if times > 1]
    if twice:
        raise CifarlabError(f"{twice[0]} is given more than once: expected different runs")
    times = Counter(run.name for run in opened)
    first = _read(opened[0], split)
    if len(first) == 0:
        raise CifarlabError(f"{opened[0].path} has predictions for no {split} images: expected at least one")
    return [
        _Entrant(
            name=run.name if times[run.name] == 1 else str(run.path),
            path=str(run.path),
            predictions=_align(first, _read(run, split), opened[0], run),
        )
        for run in opened
    ]


def _read(run: Run, split: str) -> Predictions:
    path = run.predictions_file(split)
    if not path.is_file():
        raise CifarlabError(
            f"{run.path} has no predictions for {split}: run cifarlab evaluate {run.path} --split {split} first"
        )
    return Predictions.load(path)


def _align(reference: Predictions, other: Predictions, reference_run: Run, run: Run) -> Predictions:
    """`other` in the order of `reference`, or one line that says why they cannot be compared."""
    both = f"{reference_run.path} and {run.path}"
    if reference.class_names != other.class_names:
        names = f"{_shown(reference.class_names)} against {_shown(other.class_names)}"
        raise CifarlabError(f"{both} have different classes ({names}): compare runs on the same data")
    missing = np.setxor1d(reference.ids, other.ids)
    if len(missing):
        raise CifarlabError(
            f"{both} were evaluated on different images ({len(reference)} and {len(other)}; {str(missing[0])!r} is in "
            "one only): evaluate both on the same data"
        )
    order = np.empty(len(reference), np.int64)
    order[np.argsort(reference.ids)] = np.argsort(other.ids)
    aligned = Predictions(other.ids[order], other.labels[order], other.logits[order], other.class_names)
    differing = np.flatnonzero(aligned.labels != reference.labels)
    if len(differing):
        first = str(reference.ids[differing[0]])
        raise CifarlabError(
            f"{both} were evaluated with different labels ({len(differing)} images, {first!r} among them): evaluate "
            "both on the same data"
        )
    return aligned


def _compare_pair(first: _Entrant, second: _Entrant) -> dict[str, Any]:
    ids = first.predictions.ids
    only_first, only_second = first.right & ~second.right, second.right & ~first.right
    b, c = int(only_first.sum()), int(only_second.sum())
    both = int((first.right & second.right).sum())
    neither = len(ids) - both - b - c
    return {
        "first": first.name,
        "second": second.name,
        "both_right": both,
        "only_first_right_count": b,
        "only_second_right_count": c,
        "both_wrong": neither,
        "accuracy_difference": paired_difference(both, b, c, neither).as_dict(),
        "p_value": mcnemar(b, c),
        "only_first_right": ids[only_first].tolist(),
        "only_second_right": ids[only_second].tolist(),
    }


def _sentence(pair: dict[str, Any], count: int, split: str, num_pairs: int) -> str:
    first, second = pair["first"], pair["second"]
    if pair["only_first_right_count"] + pair["only_second_right_count"] == 0:
        return (
            f"{first} and {second} are right on exactly the same {split} images ({count:,}): nothing sets them apart."
        )
    value, low, high = (100 * pair["accuracy_difference"][key] for key in ("value", "low", "high"))
    adjusted = f", adjusted for {num_pairs} pairs" if num_pairs > 1 else ""
    test = f"exact McNemar p {show_p(pair['adjusted_p_value'])}{adjusted}"
    if pair["adjusted_p_value"] >= SIGNIFICANCE:
        return (
            f"The {count:,} {split} images do not tell {first} and {second} apart: the difference is {_signed(value)} "
            f"percentage points (95 % interval {_signed(low)} to {_signed(high)}; {test})."
        )
    if value < 0:
        first, second, value, low, high = second, first, -value, -high, -low
    return (
        f"{first} is more accurate than {second} by {value:.2f} percentage points on {count:,} {split} images "
        f"(95 % interval {_signed(low)} to {_signed(high)}; {test})."
    )


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "\N{MINUS SIGN}")


def _square_and_add(mine: float, other: float, phi: float) -> float:
    return math.sqrt(max(0.0, mine**2 - 2 * phi * mine * other + other**2))


def _correlation(both: int, b: int, c: int, neither: int) -> float:
    """Phi of the 2 x 2 table; a positive one is shrunk by n/2 in its numerator, as Newcombe's method 10 does."""
    margins = (both + b) * (c + neither) * (both + c) * (b + neither)
    if margins == 0:
        return 0.0
    excess = float(both * neither - b * c)
    if excess > 0:
        excess = max(0.0, excess - (both + b + c + neither) / 2)
    return excess / math.sqrt(margins)


def _shown(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f", ... {len(names)} in all" if len(names) > 3 else "")
