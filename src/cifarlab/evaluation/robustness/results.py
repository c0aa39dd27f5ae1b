"""What a robustness measurement leaves in a run's folder, and what can be computed from it: no model, no pictures."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cifarlab.evaluation.robustness.corruptions import names
from cifarlab.runs import Run, derived
from cifarlab.utils import files
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.files import file_slug

OURS = "our own reproduction of CIFAR-10-C's corruptions"
"""What every number that rests on our corruptions must say of itself."""

FORMAT = 1
FILE_NAME = "robustness.json"


def results_file(run: Run) -> Path:
    """`robustness.json` in the run's folder."""
    return run.path / FILE_NAME


def store_results(run: Run, results: dict[str, Any]) -> Path:
    """Write a measurement so that none of another kind is lost: the largest is in `robustness.json`.

    Every other is in a file whose name says what was measured, such as
    `robustness-20-images-severities-1-5-fog-frost-fgsm.json`; the same measured again replaces itself.

    Args:
        run: The run that was measured.
        results: With `count`, `source`, `severities`, `corruptions`, `attacks` and `cifar101`.

    Returns:
        The file that was written.
    """
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
            largest.replace(_own_file(run, before))
    files.write_json(path, results)
    return path


def read_results(run: Run) -> dict[str, Any] | None:
    """What was measured, or None where nothing was.

    Raises:
        CifarlabError: If the file is damaged or of another format.
        StaleError: If it is about an earlier model of the run.
    """
    path = results_file(run)
    if not path.is_file():
        return None
    found = files.read_json(path)
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise CifarlabError(f"{path} is damaged or of another version: run cifarlab robustness {run.path} again")
    notice = derived.check(run, path, found.get(derived.KEY), f"cifarlab robustness {run.path}")
    return {**found, "notices": [*found.get("notices", ()), *([notice] if notice else [])]}


def against_baseline(results: Mapping[str, Any], baseline: Mapping[str, Any]) -> dict[str, Any]:
    """The mean corruption errors of the paper, in which another run's errors are the unit.

    Args:
        results: Of the run in question.
        baseline: Of the run that is the unit; the same corruptions at the same severities.

    Returns:
        `baseline`; `mean_corruption_error`: the mean over the benchmark's corruptions of this run's error as a share of
        the baseline's, 1 being as robust as it; `relative_mean_corruption_error`: likewise of how much each loses
        against its own clean images. None where the baseline has no such error.

    Raises:
        CifarlabError: If the two were measured on different corruptions or severities.

    Source: Hendrycks and Dietterich 2019, arXiv:1903.12261, section 4.
    """
    for key in ("severities", "averaged", "source", "count"):
        if results[key] != baseline[key]:
            raise CifarlabError(
                f"{results['run']} and {baseline['run']} were not measured alike ({key}): measure both in one command"
            )
    errors = {"mean_corruption_error": (0.0, 0.0)}
    errors["relative_mean_corruption_error"] = (_clean_error(results), _clean_error(baseline))
    values = {
        name: _mean_ratio(
            [results["corruptions"][each]["error"] - own for each in results["averaged"]],
            [baseline["corruptions"][each]["error"] - unit for each in results["averaged"]],
        )
        for name, (own, unit) in errors.items()
    }
    return {"baseline": baseline["run"], **values}


def _size(results: Mapping[str, Any]) -> tuple[int, int]:
    """How many images, and how many sets of them: what is larger says more."""
    sets = len(results["corruptions"]) * len(results["severities"]) + len(results["attacks"])
    return results["count"], sets + (results["cifar101"] is not None)


def _own_file(run: Run, results: Mapping[str, Any]) -> Path:
    """The file for these images, corruptions, severities and attacks and no others."""
    words = [f"{results['count']}-images", "severities", *map(str, results["severities"])]
    words += [] if results["source"] == OURS else ["cifar10c"]
    words += [*results["corruptions"]] if set(results["corruptions"]) != set(names()) else []
    words += dict.fromkeys(each["kind"] for each in results["attacks"])
    words += [f"cifar101-{results['cifar101']['version']}"] if results["cifar101"] else []
    return run.path / f"robustness-{file_slug('-'.join(words))}.json"


def _clean_error(results: Mapping[str, Any]) -> float:
    return 1 - float(results["clean"]["value"])


def _mean_ratio(own: Sequence[float], unit: Sequence[float]) -> float | None:
    if not own or min(unit) <= 0:
        return None
    return sum(a / b for a, b in zip(own, unit, strict=True)) / len(own)
