"""Does a file answer as the run does? The one judgement over all formats."""

from dataclasses import dataclass, field

import numpy as np
from scipy.special import softmax

from cifarlab.exports.quantising import accuracy_change
from cifarlab.utils.arrays import Array
from cifarlab.utils.json_data import OPTIONAL
from cifarlab.utils.results import Interval
from cifarlab.utils.text import counted, in_percent

TOLERANCE = 1e-4
"""By how much a logit, or a probability, may differ from the run's."""


@dataclass(frozen=True)
class Proof:
    """What a comparison of a file's answers with the run's found.

    Attributes:
        pictures: How many.
        split: Of the data set, which of its parts they are.
        same_classes: How many were given the same class, ties among them.
        ties: How many of these differ only where the run itself holds two classes for equally probable: their logits
            are no further apart than `TOLERANCE`.
        largest_difference: Of a logit.
        largest_probability_difference: Of a probability from the softmax of the run's logits at the temperature.
        accuracy_change: Of a quantised file, with its paired interval; None of others.
    """

    pictures: int
    split: str
    same_classes: int
    ties: int
    largest_difference: float
    largest_probability_difference: float
    accuracy_change: Interval | None = field(default=None, metadata=OPTIONAL)

    def objection(self, most_lost: float) -> str:
        """Why the file does not answer as the run does, in one line; empty where it does.

        Args:
            most_lost: Points of accuracy that a quantised file may lose.
        """
        if self.accuracy_change is not None and self.accuracy_change.value is not None:
            if not np.isfinite((self.largest_difference, self.largest_probability_difference)).all():
                return "it answers NaN or infinity"  # of a few pictures it would cost little accuracy, or none
            change = self.accuracy_change
            lost, limits = -100 * self.accuracy_change.value, ""
            if change.low is not None and change.high is not None:
                limits = f" ({in_percent(-change.high)} to {in_percent(-change.low)})"
            return f"it loses {lost:.2f} points of accuracy{limits}, more than {most_lost:g}" * (lost > most_lost)
        if self.same_classes < self.pictures:
            others = counted(self.pictures - self.same_classes, "picture")
            return f"it names another class than the run on {others} of {self.pictures:,}"
        for what, found in (
            ("logits", self.largest_difference),
            ("probabilities", self.largest_probability_difference),
        ):
            if not found <= TOLERANCE:  # NaN too
                return f"its {what} differ from the run's by up to {found:.2g}: expected at most {TOLERANCE:g}"
        return ""


def compare(
    run: Array, file: Array, probabilities: Array, temperature: float, split: str, labels: Array | None = None
) -> Proof:
    """Compare a file's answers with the run's.

    Args:
        run: `(N, K)`, the run's logits.
        file: `(N, K)`, the file's.
        probabilities: `(N, K)`, the file's.
        temperature: Of the run.
        split: Which part of the data the pictures are.
        labels: `(N,)` int, of a quantised network, whose accuracy is then compared.

    Raises:
        ValueError: If the file's answers have other shapes.
    """
    if not run.shape == file.shape == probabilities.shape:
        raise ValueError(f"expected answers of shape {run.shape}. Received: {file.shape} and {probabilities.shape}")
    rows, mine, theirs = np.arange(len(run)), run.argmax(axis=1), file.argmax(axis=1)
    is_other = mine != theirs
    is_tie = is_other & (run[rows, mine] - run[rows, theirs] <= TOLERANCE)
    expected = softmax(run.astype(np.float64) / temperature, axis=1)
    return Proof(
        pictures=len(run),
        split=split,
        same_classes=int((~is_other | is_tie).sum()),
        ties=int(is_tie.sum()),
        largest_difference=_largest(file - run),
        largest_probability_difference=_largest(probabilities - expected),
        # By the probabilities, which is what its readers take.
        accuracy_change=None if labels is None else accuracy_change(run, probabilities, labels),
    )


def _largest(differences: Array) -> float:
    """The largest of all, NaN where there is one: it must not pass for a small one."""
    return float(np.abs(differences).max(initial=0.0))
