"""Several runs as one: the mean of their probabilities, scored like a run, and whether it is better than the best."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from cifarlab import metrics
from cifarlab.metrics.statistics.significance import SIGNIFICANCE, mcnemar, paired_difference, show_p
from cifarlab.runs import Run
from cifarlab.runs.predictions import Predictions
from cifarlab.runs.scores import Scores
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.results import Interval
from cifarlab.utils.text import counted, signed


@dataclass(frozen=True, kw_only=True)
class Ensemble:
    """What several runs say together.

    Attributes:
        members: Names of the runs.
        scores: Every number about the mean of their probabilities.
        best: The member with the highest accuracy on these very images, which flatters it.
        gain: Accuracy of the ensemble minus that of the best member, in fractions.
        p_value: Exact McNemar test of these two.
        sentence: What the data allow to be said.
    """

    members: tuple[str, ...]
    scores: Scores
    best: str
    gain: Interval
    p_value: float
    sentence: str


def combine(runs: Sequence[Run], entries: Sequence[Scores]) -> Ensemble:
    """Let runs that have just been evaluated on the same images answer together.

    Args:
        runs: Two or more.
        entries: What `evaluate` gave for each; their predictions are read from the runs.

    Raises:
        CifarlabError: If there is one run only, one is named twice, or they answered different images.
    """
    if len(runs) < 2:
        raise CifarlabError("an ensemble has two runs at least: name more of them, or leave out --ensemble")
    if len({run.path.resolve() for run in runs}) < len(runs):
        raise CifarlabError("an ensemble has each run once: leave out the one that is named twice")
    members = [
        Predictions.load(
            run.predictions_file(str(entry.split), entry.data, str(entry.tta), corrected=entry.labels is not None)
        )
        for run, entry in zip(runs, entries, strict=True)
    ]
    _check_same_images(runs, entries)
    together = average(members)
    best = int(np.argmax([each.correct.mean() for each in members]))
    gain, p_value = _compare(together, members[best])
    first, names = entries[0], tuple(run.name for run in runs)
    scores = replace(
        metrics.score(together),
        run=f"ensemble of {counted(len(runs), 'run')}",
        data=first.data,
        split=first.split,
        images=first.images,
        tta=first.tta,
        labels=first.labels,
        looks=max((each.looks or 0 for each in entries), default=None),
        notices=tuple(dict.fromkeys(notice for each in entries for notice in each.notices)),
    )
    return Ensemble(
        members=names,
        scores=scores,
        best=names[best],
        gain=gain,
        p_value=p_value,
        sentence=_sentence(gain, p_value, names[best], scores.which_images),
    )


def average(members: Sequence[Predictions]) -> Predictions:
    """The mean of several models' probabilities for the same images, each model counting the same.

    Args:
        members: Of the same N images in the same order, and K classes.

    Returns:
        Predictions whose logits are the logarithms of the mean probabilities, `(N, K)` float32.
    """
    logs = np.stack([each.log_probabilities for each in members])  # (M, N, K) float64
    # In logarithms, where a probability that is no float64 is still a number.
    mean = np.logaddexp.reduce(logs, axis=0) - np.log(len(members))
    first = members[0]
    return Predictions(first.ids, first.labels, mean.astype(np.float32), first.class_names)


def _check_same_images(runs: Sequence[Run], entries: Sequence[Scores]) -> None:
    asked = [(each.images, each.data, each.split, each.class_names) for each in entries]
    other = next((number for number, each in enumerate(asked) if each != asked[0]), None)
    if other is not None:
        raise CifarlabError(
            f"{runs[0].name} and {runs[other].name} answered different images, and cannot answer together: evaluate "
            "runs of the same data on the same split"
        )


def _compare(together: Predictions, best: Predictions) -> tuple[Interval, float]:
    ours, theirs = together.correct, best.correct
    both, only_ours, only_theirs = int((ours & theirs).sum()), int((ours & ~theirs).sum()), int((theirs & ~ours).sum())
    neither = len(together) - both - only_ours - only_theirs
    return paired_difference(both, only_ours, only_theirs, neither), mcnemar(only_ours, only_theirs)


def _sentence(gain: Interval, p_value: float, best: str, images: str) -> str:
    value, low, high = (signed(100 * (each or 0.0)) for each in (gain.value, gain.low, gain.high))
    test = f"(95 % interval {low} to {high}; exact McNemar p {show_p(p_value)})"
    if p_value >= SIGNIFICANCE:
        return (
            f"The {images} do not tell the ensemble and {best}, the best of them, apart: {value} percentage points "
            f"{test}."
        )
    which = "more" if (gain.value or 0.0) > 0 else "less"
    return f"The ensemble is {which} accurate than {best}, the best of them: {value} percentage points {test}."
