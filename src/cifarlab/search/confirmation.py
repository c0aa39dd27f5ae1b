"""The honest verdict: whether what a search found is better than the recipe as shipped.

The best of many validation scores flatters itself: it was chosen because it is high. So the best settings and the
recipe as shipped are trained anew, with seeds that no trial had, and asked images that none of them has seen.

Source: Schneider, Bischl and Feurer 2025, Overtuning in Hyperparameter Optimization, arXiv:2506.19540.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cifarlab.metrics.statistics.intervals import Interval, mean_over_seeds
from cifarlab.metrics.statistics.significance import SIGNIFICANCE, crossed_difference, holm, show_p
from cifarlab.runs.predictions import Predictions
from cifarlab.search.space import Settings
from cifarlab.utils.arrays import Array
from cifarlab.utils.text import counted, in_percent, signed

CANDIDATES = 3
FRESH_SEED = 1000
"""The seeds of the confirmation begin here: no trial has them."""


@dataclass(frozen=True)
class Candidate:
    """One of the best settings, judged.

    Attributes:
        trial: Its number in the study.
        settings: What differs from the recipe.
        search_score: Its validation accuracy in the search.
        accuracy: Mean over fresh seeds on the confirmation part, with an interval over seeds.
        difference: To the recipe as shipped, with an interval at Holm's level.
        p_value: Of that difference.
        adjusted_p_value: By Holm, for the number of candidates.
    """

    trial: int
    settings: Settings
    search_score: float
    accuracy: Interval
    difference: Interval
    p_value: float
    adjusted_p_value: float


@dataclass(frozen=True)
class Verdict:
    """What a study may say.

    Attributes:
        candidates: The best settings, from the best on the confirmation part.
        shipped: Accuracy of the recipe as shipped.
        images: How many the confirmation part has.
        seeds: How many trainings of each.
        is_better: Whether the first candidate is told apart from the recipe as shipped, and better.
        too_high: How far the search's own best score was above what its settings reached on the confirmation part.
        sentence: All this in words.
    """

    candidates: tuple[Candidate, ...]
    shipped: Interval
    images: int
    seeds: int
    is_better: bool
    too_high: float
    sentence: str

    @property
    def is_worse(self) -> bool:
        """Whether the first candidate is told apart from the recipe as shipped, and worse."""
        return not self.is_better and self.candidates[0].adjusted_p_value < SIGNIFICANCE


def judge(
    recipe: str,
    found: Sequence[tuple[int, Settings, float, Sequence[Predictions]]],
    shipped: Sequence[Predictions],
    epochs: int,
    leader: tuple[int, float] | None = None,
) -> Verdict:
    """Judge the best settings by their answers to the confirmation part.

    Args:
        recipe: The shipped recipe's name.
        found: From the best score of the search on: number, settings, score, and the answers of each seed.
        shipped: The answers of the recipe as shipped, of the same seeds.
        epochs: How many each was trained.
        leader: Number and score of the best trial of the search, 0 being the recipe as shipped; by default the first
            of `found`.
    """
    base = _correct(shipped)
    differences = [_correct(answers) - base for *_, answers in found]  # (S, N) each
    p_values = [crossed_difference(each)[1] for each in differences]
    adjusted = holm(p_values)
    levels = _holm_levels(p_values)
    tests = [crossed_difference(each, 1 - level) for each, level in zip(differences, levels, strict=True)]
    candidates = [
        Candidate(number, settings, score, _over_seeds(_correct(answers)), interval, p_value, corrected)
        for (number, settings, score, answers), (interval, p_value), corrected in zip(
            found, tests, adjusted, strict=True
        )
    ]
    # How far the search flattered itself is about the settings that it would have chosen, not about those chosen here.
    number, score = leader or (candidates[0].trial, candidates[0].search_score)
    reached = {0: _over_seeds(base), **{each.trial: each.accuracy for each in candidates}}
    if number in reached:
        whose = "The search's own best score"
    else:  # it failed with a fresh seed
        number, score = candidates[0].trial, candidates[0].search_score
        whose = f"The score of trial {number} in the search"
    too_high = score - known(reached[number])
    candidates.sort(key=lambda each: -known(each.accuracy))
    seeds, images = base.shape
    first = candidates[0]
    is_better = first.adjusted_p_value < SIGNIFICANCE and known(first.difference) > 0
    way = "too high" if too_high > 0 else "too low"
    flattered = f"{whose} was {in_percent(abs(too_high))} points {way}."
    sentence = f"{_sentence(recipe, candidates, is_better, seeds, images, epochs)} {flattered}"
    return Verdict(tuple(candidates), _over_seeds(base), images, seeds, is_better, too_high, sentence)


def _holm_levels(p_values: Sequence[float]) -> list[float]:
    """The level that each p value is held against, so that its interval agrees with the adjusted p value.

    The smallest is held against 5 % shared by all, the next against 5 % shared by the others, and so on, until one is
    not below its level: from there on that level holds.
    """
    levels, level, is_open = [0.0] * len(p_values), 0.0, True
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda place: p_values[place])):
        level = SIGNIFICANCE / (len(p_values) - rank) if is_open else level
        is_open &= p_values[place] < level
        levels[place] = level
    return levels


def known(interval: Interval) -> float:
    """The number itself, where it is sure to be one: a mean of at least one training."""
    assert interval.value is not None
    return interval.value


def _correct(answers: Sequence[Predictions]) -> Array:
    """`(S, N)` float: 1 where the network of a seed is right about an image."""
    return np.stack([(each.predicted == each.labels).astype(float) for each in answers])


def _over_seeds(correct: Array) -> Interval:
    return mean_over_seeds(correct.mean(axis=1).tolist())


def _sentence(
    recipe: str,
    candidates: Sequence[Candidate],
    is_better: bool,
    seeds: int,
    images: int,
    epochs: int,
) -> str:
    best = candidates[0]
    points, low, high = (
        None if value is None else signed(100 * value)
        for value in (best.difference.value, best.difference.low, best.difference.high)
    )
    limits = f"interval {low} to {high}, " if low is not None else ""
    of = f", by Holm for {len(candidates)}" if len(candidates) > 1 else ""
    where = f"{counted(images, 'image')} that no trial has seen, {counted(seeds, 'fresh seed')} each"
    found = f"{points} points ({limits}p {show_p(best.adjusted_p_value)}{of}; {where}; {counted(epochs, 'epoch')})"
    if is_better:
        return f"The recipe found (trial {best.trial}) is more accurate than {recipe} as shipped, by {found}."
    if best.adjusted_p_value < SIGNIFICANCE:
        return f"The recipe found is worse than {recipe} as shipped: {found}. Keep {recipe}."
    return f"The recipe found is not told apart from {recipe} as shipped: {found}."
