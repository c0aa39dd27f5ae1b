"""What a robustness measurement leaves in a run's folder, and what can be computed from it: no model, no pictures."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cifarlab.evaluation.robustness.corruptions import names
from cifarlab.runs import Run, derived
from cifarlab.runs.scores import OverlapSummary
from cifarlab.utils import files
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.files import file_slug
from cifarlab.utils.json_data import OPTIONAL
from cifarlab.utils.json_reading import read_result
from cifarlab.utils.results import Interval

OURS = "our own reproduction of CIFAR-10-C's corruptions"
"""What every number that rests on our corruptions must say of itself."""

FORMAT = 1
FILE_NAME = "robustness.json"


@dataclass(frozen=True)
class CorruptionResult:
    """Under one corruption.

    Attributes:
        benchmark: Whether it is one of those that papers average.
        error: Mean over the severities.
        severities: Severity, as text, to accuracy.
    """

    benchmark: bool
    error: float
    severities: Mapping[str, Interval]


@dataclass(frozen=True)
class AttackResult:
    """Under one attack: how many images were attacked, accuracy on them before (`clean`) and after (`accuracy`)."""

    label: str
    kind: str
    norm: str
    epsilon: float
    steps: int
    count: int
    clean: Interval
    accuracy: Interval


@dataclass(frozen=True)
class NewerImages:
    """On CIFAR-10.1, in one of its versions."""

    version: str
    count: int
    accuracy: Interval


@dataclass(frozen=True)
class BaselineErrors:
    """The errors as shares of another run's, 1 being as robust as it; None where that run has no such error."""

    baseline: str
    mean_corruption_error: float | None
    relative_mean_corruption_error: float | None


@dataclass(frozen=True, kw_only=True)
class Robustness:
    """A measurement, in the order of `robustness.json`; every accuracy with its 95 % interval.

    Attributes:
        split: Which images were made worse.
        seed: Of the choice of images and of all random numbers.
        source: Whose corruptions these are: `OURS`, or a folder of CIFAR-10-C's files.
        looks: How often these images have been looked at, this time included.
        looks_in_making: How many of the looks were those of who made the model.
        model_checksum: Of the model that was measured; None in files of earlier versions.
        overlap: What `overlap.summarise` gives; None where it cannot be told what the run was trained on.
        averaged: Names of those that `mean_corruption_error` is over.
        consistency: For each kind of variant, the share of pictures whose answer stays the same in all of them.
        cifar101: None where nobody asked.
        file: Name of the file that a fresh measurement was written to; not in the file itself.
        against: Held against another run; not in the file either.
    """

    format: int = FORMAT
    run: str
    data: str
    split: str = "test"
    count: int
    seed: int
    source: str
    looks: int
    looks_in_making: int = 0
    model_checksum: str | None = None
    images: str | None = None
    notices: tuple[str, ...] = ()
    overlap: OverlapSummary | None = field(default=None, metadata=OPTIONAL)
    clean: Interval
    severities: tuple[int, ...]
    corruptions: Mapping[str, CorruptionResult]
    averaged: tuple[str, ...]
    mean_corruption_error: Interval
    mean_error_over_all: Interval
    consistency: Mapping[str, Interval]
    attacks: tuple[AttackResult, ...]
    cifar101: NewerImages | None
    file: str | None = field(default=None, metadata=OPTIONAL)
    against: BaselineErrors | None = field(default=None, metadata=OPTIONAL)

    @property
    def clean_accuracy(self) -> float:
        """The number alone."""
        return _known(self.clean)

    @property
    def accuracies(self) -> dict[str, list[float]]:
        """Corruption to the accuracy at each severity, the numbers alone."""
        return {name: [_known(each) for each in one.severities.values()] for name, one in self.corruptions.items()}

    @property
    def extra(self) -> list[str]:
        """The corruptions that papers leave out of their mean."""
        return [name for name, one in self.corruptions.items() if not one.benchmark]


def results_file(run: Run) -> Path:
    """`robustness.json` in the run's folder."""
    return run.path / FILE_NAME


def store_results(run: Run, results: Robustness) -> Path:
    """Write a measurement so that none of another kind is lost: the largest is in `robustness.json`.

    Every other is in a file whose name says what was measured, such as
    `robustness-20-images-severities-1-5-fog-frost-fgsm.json`; the same measured again replaces itself.

    Returns:
        The file that was written.
    """
    with run.changing():
        return _store(run, results)


def _store(run: Run, results: Robustness) -> Path:
    largest = results_file(run)
    try:
        before = read_results(run)
    except CifarlabError:  # damaged or of an earlier model: to measure again is what mends it
        before = None
    path = largest
    if before is not None and _own_file(run, before) != _own_file(run, results):
        if _size(before) > _size(results):
            path = _own_file(run, results)
        else:
            files.move(largest, _own_file(run, before))
    files.write_sealed(path, results)
    return path


def read_results(run: Run) -> Robustness | None:
    """What was measured, or None where nothing was.

    Raises:
        CifarlabError: If the file is damaged or of another format.
        StaleError: If it is about an earlier model of the run.
    """
    path = results_file(run)
    if not path.is_file():
        return None
    command = f"cifarlab robustness {run.path}"
    results = read_result(Robustness, path, f"{command} again")
    if results.format != FORMAT:
        raise CifarlabError(f"{path} is of another version: run {command} again")
    notice = derived.check(run, path, results.model_checksum, command)
    return dataclasses.replace(results, notices=(*results.notices, *([notice] if notice else [])))


def against_baseline(results: Robustness, baseline: Robustness) -> BaselineErrors:
    """The mean corruption errors of the paper, in which another run's errors are the unit.

    Args:
        results: Of the run in question.
        baseline: Of the run that is the unit; the same corruptions at the same severities.

    Returns:
        The mean over the benchmark's corruptions of this run's error as a share of the baseline's; relative, likewise
        of how much each loses against its own clean images.

    Raises:
        CifarlabError: If the two were measured on different corruptions or severities.

    Source: Hendrycks and Dietterich 2019, arXiv:1903.12261, section 4.
    """
    for name in ("severities", "averaged", "source", "count"):
        if getattr(results, name) != getattr(baseline, name):
            raise CifarlabError(
                f"{results.run} and {baseline.run} were not measured alike ({name}): measure both in one command"
            )

    def mean_ratio(own_error: float, error: float) -> float | None:
        own = [results.corruptions[name].error - own_error for name in results.averaged]
        unit = [baseline.corruptions[name].error - error for name in results.averaged]
        if not own or min(unit) <= 0:
            return None
        return sum(a / b for a, b in zip(own, unit, strict=True)) / len(own)

    relative = mean_ratio(1 - results.clean_accuracy, 1 - baseline.clean_accuracy)
    return BaselineErrors(baseline.run, mean_ratio(0.0, 0.0), relative)


def _size(results: Robustness) -> tuple[int, int]:
    """How many images, and how many sets of them: what is larger says more."""
    sets = len(results.corruptions) * len(results.severities) + len(results.attacks)
    return results.count, sets + (results.cifar101 is not None)


def _own_file(run: Run, results: Robustness) -> Path:
    """The file for these images, corruptions, severities and attacks and no others."""
    words = [f"{results.count}-images", "severities", *map(str, results.severities)]
    words += [] if results.source == OURS else ["cifar10c"]
    words += [*results.corruptions] if set(results.corruptions) != set(names()) else []
    words += dict.fromkeys(each.kind for each in results.attacks)
    words += [f"cifar101-{results.cifar101.version}"] if results.cifar101 else []
    return run.path / f"robustness-{file_slug('-'.join(words))}.json"


def _known(share: Interval) -> float:
    assert share.value is not None  # there is no measurement of no images
    return share.value
