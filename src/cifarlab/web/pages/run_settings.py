"""The settings in which runs differ, those first that explain most of how accurate they are."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from cifarlab.web.pages.run_summaries import RunSummary

_MOST_VALUES = 5
_QUARTERS = (0.25, 0.5, 0.75)


def settings_of_runs(summaries: Sequence[RunSummary]) -> tuple[dict[str, float | None], list[str]]:
    """The runs' settings: those that are not the same in all of them, and the names of the others.

    Returns:
        Of those that differ the share that `explained` gives, the largest first, then by name; and the others by name.
    """
    values: dict[str, set[str]] = {}
    counts: Counter[str] = Counter()
    for summary in summaries:
        counts.update(summary.written.keys())
        for name, value in summary.written.items():
            values.setdefault(name, set()).add(value)
    known = sum(bool(summary.recipe) for summary in summaries)
    differing = sorted(name for name in values if len(values[name]) > 1 or counts[name] < known)
    shares = {name: explained(summaries, name) for name in differing}
    ordered = sorted(differing, key=lambda name: -1.0 if (share := shares[name]) is None else share, reverse=True)
    return {name: shares[name] for name in ordered}, sorted(values.keys() - set(differing))


def explained(summaries: Sequence[RunSummary], name: str) -> float | None:
    """The share of the variance of test accuracy that lies between a setting's values, less what chance would give.

    Of a number with more than five values, between its quarters. Finished runs alone count.

    Returns:
        In `[0, 1]`; None where there are too few runs, or all are as accurate.

    Source: Kelley 1935, Proceedings of the National Academy of Sciences 21:554 (epsilon squared).
    """
    runs = [run for run in summaries if run.state == "finished" and run.accuracy is not None and run.recipe]
    accuracy = np.array([run.accuracy for run in runs], np.float64)
    kinds: dict[str, int] = {}
    places = np.array([kinds.setdefault(each, len(kinds)) for each in _labels(runs, name)], np.int64)  # (N,) in [0, K)
    counts = np.bincount(places)
    if len(kinds) < 2 or len(kinds) == len(runs) or np.ptp(accuracy) == 0:
        return None
    means = np.bincount(places, accuracy) / counts  # (K,), of each value
    total = float(((accuracy - accuracy.mean()) ** 2).sum())
    within = float(((accuracy - means[places]) ** 2).sum())
    return max(0.0, 1 - within / (len(runs) - len(kinds)) * (len(runs) - 1) / total)


def _labels(runs: Sequence[RunSummary], name: str) -> list[str]:
    """What each run's value counts as: itself; a number among many, as one of its quarter."""
    written = [run.written.get(name, "") for run in runs]
    numbers = [run.recipe.get(name) for run in runs]
    if len(set(written)) <= _MOST_VALUES or not all(map(_is_number, numbers)):
        return written
    values = np.array(numbers, np.float64)
    return [str(place) for place in np.searchsorted(np.quantile(values, _QUARTERS), values)]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
