"""Which settings mattered: what each trial had for them, and how much of the scores they explain.

Source: Watanabe, Bansal and Hutter 2023, PED-ANOVA, arXiv:2304.10255, as Optuna has it.
"""

import collections
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from cifarlab.recipes import settings_of
from cifarlab.search.parameters import Choice, Range
from cifarlab.search.reading import StudyRecord
from cifarlab.search.rounds import Trial
from cifarlab.utils.results import ParameterValues

if TYPE_CHECKING:
    import optuna

LEAST_TRIALS = 4
"""Of fewer, nothing is said about importance."""


def parameter_values(record: StudyRecord, trials: Sequence[Trial]) -> list[ParameterValues]:
    """What these trials had for each setting that was searched.

    Args:
        record: The study.
        trials: Some of its trials, in the order wanted.
    """
    shipped = {key: str(value) for key, value in settings_of(record.recipe).items()}
    keys = record.space or dict.fromkeys(key for trial in trials for key in trial.settings)
    texts = {key: [trial.settings.get(key, shipped.get(key, "")) for trial in trials] for key in keys}
    return [_values(key, texts[key], record.space.get(key)) for key in keys]


def first_rung(record: StudyRecord) -> int:
    """The epoch at which most trials were judged, the later one of equals; 0 where none was."""
    counts = collections.Counter(rung for trial in record.trials for rung in trial.scores)
    return max(counts, key=lambda rung: (counts[rung], rung), default=0)


def importances(record: StudyRecord) -> dict[str, float]:
    """How much of the scores each setting explains, the shares of a whole, the largest first.

    The scores are those at `first_rung`: only a few trials get to the end, and those that were pruned tell as much.
    Empty where too few trials were judged, or all scores are the same.
    """
    import optuna
    from optuna.importance import get_param_importances

    rung = first_rung(record)
    trials = [trial for trial in record.trials if rung in trial.scores]
    values = parameter_values(record, trials)
    whole = [place for place in range(len(trials)) if all(each.values[place] is not None for each in values)]
    varied = [each for each in values if len({each.values[place] for place in whole}) > 1]
    scores = [trials[place].scores[rung] for place in whole]
    if len(whole) < LEAST_TRIALS or len(set(scores)) < 2 or not varied:
        return {}
    distributions = {each.name: _distribution(each) for each in varied}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Optuna's notes about what is new in it
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        study = optuna.create_study(direction="maximize")
        for place, score in zip(whole, scores, strict=True):
            parameters = {each.name: each.values[place] for each in varied}
            study.add_trial(optuna.create_trial(params=parameters, distributions=distributions, value=score))
        found: Mapping[str, float] = get_param_importances(study)
    return dict(sorted(found.items(), key=lambda each: (-each[1], each[0])))


def _values(key: str, texts: Sequence[str], space: Range | Choice | None) -> ParameterValues:
    if isinstance(space, Choice):
        return ParameterValues(key, tuple(space.parameter(text) for text in texts), space.values)
    if isinstance(space, Range):
        limits = (float(space.low), float(space.high))
        return ParameterValues(key, tuple(space.parameter(text) for text in texts), (), space.log, limits)
    try:  # a function made them: nothing says from what they were drawn
        numbers = tuple(float(text) for text in texts)
    except ValueError:
        return ParameterValues(key, tuple(texts), tuple(dict.fromkeys(texts)))
    low, high = min(numbers), max(numbers)
    return ParameterValues(key, numbers, (), low > 0 and high / low > 50, (low, high))


def _distribution(values: ParameterValues) -> "optuna.distributions.BaseDistribution":
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    if values.choices:
        return CategoricalDistribution(values.choices)
    return FloatDistribution(*values.limits, log=values.is_log)
