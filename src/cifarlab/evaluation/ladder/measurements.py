"""What evaluated runs of one rung measured, and what it gained on another."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cifarlab.metrics.statistics.intervals import Interval, mean_over_seeds, wilson
from cifarlab.metrics.statistics.significance import welch_difference
from cifarlab.recipes import to_dict
from cifarlab.runs import Run
from cifarlab.utils.errors import CifarlabError

_MACHINE = ("processor", "cores", "accelerators", "backend")


@dataclass(frozen=True, kw_only=True)
class Result:
    """Runs of one recipe that differ in nothing but the seed, trained on one machine and evaluated on test.

    Attributes:
        machine: `processor`, `cores`, `accelerators` and `backend` of the training; `devices` too where they are known.
        seeds: One a run; so are the following.
        accuracies: Without TTA, fractions.
        training_seconds: The epochs' own, without validation.
        looks: How often the run's test set has been looked at.
        petaflop: Operations of one training; None where nobody counted them.
        limit_flop_per_second: Floating-point operations a second of the machine's fastest matrix product, measured when
            the result was kept, since two machines of one name may differ; None where nobody measured.
    """

    recipe: Mapping[str, Any]
    machine: Mapping[str, Any]
    precision: str
    parameters: int
    images: int
    seeds: Sequence[int]
    accuracies: Sequence[float]
    training_seconds: Sequence[float]
    looks: Sequence[int]
    petaflop: float | None = None
    limit_flop_per_second: float | None = None


@dataclass(frozen=True, kw_only=True)
class Summary:
    """A result as a table shows it, in the order of the JSON.

    Attributes:
        accuracy: Student's interval over the seeds, Wilson's where there is one.
        standard_deviation: Over the seeds; None for one.
        seeds: One a run; so are accuracies and looks.
        accuracies: Single-view, fractions.
        looks: How often each run's test set has been looked at.
        training_seconds: Mean of the epochs' own, without validation.
        petaflop: Operations of one training; None where nobody counted them, and so are the rates.
        limit_gigaflop_per_second: Of the machine's fastest matrix product.
        machine: As in `Result`.
        gain: On the rung below; None where nothing was measured of it, or on other data.
    """

    data: str
    accuracy: Interval
    standard_deviation: float | None
    seeds: Sequence[int]
    accuracies: Sequence[float]
    images: int
    looks: Sequence[int]
    training_seconds: float
    parameters: int
    petaflop: float | None
    gigaflop_per_second: float | None
    limit_gigaflop_per_second: float | None
    share_of_limit: float | None
    precision: str
    machine: Mapping[str, Any]
    gain: Interval | None


def read_result(runs: Sequence[Run], petaflop: float | None = None) -> Result:
    """What the runs of one recipe measured, checked.

    Args:
        runs: At least one, of one recipe; finished, and evaluated on test.
        petaflop: Operations of one training.

    Raises:
        CifarlabError: If a run is unfinished, not evaluated or trained on several devices, or two are of one seed or of
            different machines or precisions, or saw different numbers of test images.
    """
    first, *others = runs
    for other in others:
        for word, of in (("machines", machine_of), ("precisions", _precision), ("numbers of test images", _images)):
            if of(first) != of(other):
                raise CifarlabError(f"{first.path} and {other.path} have different {word}: measure each rung on one")
    seeds = [run.recipe.seed for run in runs]
    for seed in seeds:
        if seeds.count(seed) > 1:
            same = " and ".join(str(run.path) for run in runs if run.recipe.seed == seed)
            raise CifarlabError(f"{same} are the same training, seed {seed}: give one of them")
    return Result(
        recipe={**to_dict(first.recipe), "seed": min(seeds)},
        machine=machine_of(first),
        precision=_precision(first),
        parameters=int(_noted(first, "parameters")),
        images=_images(first),
        seeds=seeds,
        accuracies=[float(run.scores().accuracy or 0) for run in runs],
        training_seconds=[float(_noted(run, "training_seconds")) for run in runs],
        looks=[int(run.scores().looks or 0) for run in runs],
        petaflop=petaflop,
    )


def machine_of(run: Run) -> dict[str, Any]:
    """What a training ran on, as far as its speed depends on it."""
    return {key: run.environment.get(key) for key in _MACHINE}


def summarise(result: Result, before: Result | None) -> Summary:
    """The numbers of a result, and its gain on the one before."""
    seconds = statistics.fmean(result.training_seconds)
    rate = None if result.petaflop is None else 1e15 * result.petaflop / seconds
    limit = result.limit_flop_per_second
    several = len(result.seeds) > 1
    return Summary(
        data=str(result.recipe["data"]),
        accuracy=_accuracy(result),
        standard_deviation=statistics.stdev(result.accuracies) if several else None,
        seeds=result.seeds,
        accuracies=result.accuracies,
        images=result.images,
        looks=result.looks,
        training_seconds=seconds,
        parameters=result.parameters,
        petaflop=result.petaflop,
        gigaflop_per_second=None if rate is None else rate / 1e9,
        limit_gigaflop_per_second=None if limit is None else limit / 1e9,
        share_of_limit=None if rate is None or limit is None else rate / limit,
        precision=result.precision,
        machine=result.machine,
        gain=None if before is None else gain(result, before),
    )


def gain(result: Result, before: Result) -> Interval | None:
    """How much more accurate a rung is on average, with Welch's interval where both have several seeds.

    None where the two were measured on different data.
    """
    if result.recipe["data"] != before.recipe["data"] or result.images != before.images:
        return None
    if len(result.seeds) > 1 and len(before.seeds) > 1:
        return welch_difference(result.accuracies, before.accuracies)
    difference = statistics.fmean(result.accuracies) - statistics.fmean(before.accuracies)
    return Interval(difference, None, None, "no interval: it takes two seeds of each")


def _accuracy(result: Result) -> Interval:
    if len(result.seeds) > 1:
        return mean_over_seeds(result.accuracies)
    return wilson(round(result.accuracies[0] * result.images), result.images)


def _precision(run: Run) -> str:
    return run.recipe.precision


def _images(run: Run) -> int:
    if run.state["state"] != "finished":
        raise CifarlabError(f"{run.path} is not finished: resume it with cifarlab train --resume {run.path}")
    if (devices := run.environment.get("devices", 1)) != 1:
        raise CifarlabError(
            f"{run.path} was trained on {devices} devices: a rung's time is that of one, train it there"
        )
    scores = run.scores()
    missing = [key for key in ("count", "looks") if not getattr(scores, key)]
    if missing:
        raise CifarlabError(f"{run.scores_file('test')} lacks {', '.join(missing)}: run cifarlab evaluate {run.path}")
    return scores.count


def _noted(run: Run, key: str) -> float:
    value = run.environment.get(key)
    if not isinstance(value, int | float):
        raise CifarlabError(f"{run.environment_file} has no {key}: train the run again")
    return value
