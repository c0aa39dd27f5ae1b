"""The run's answers, a file's answers, and the comparison of both, each made in a process of its own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from cifarlab.exports import apart, proof
from cifarlab.exports.apart import Step
from cifarlab.exports.pictures import Pictures
from cifarlab.exports.proof import Proof
from cifarlab.utils.arrays import Array
from cifarlab.utils.errors import CifarlabError


@dataclass(frozen=True, eq=False)
class RunAnswers:
    """What a run says of the pictures.

    Attributes:
        logits: `(N, K)` float32.
        milliseconds: It took for 1 and for 64 pictures, by their number.
        precision: What the run itself computes in; the logits are float32's.
        renamed: How many of the pictures it names otherwise in that precision.
    """

    logits: Array
    milliseconds: dict[str, float]
    precision: str
    renamed: int


def ask_run(
    run: str, pictures: Pictures, backend: str, folder: Path, then: Sequence[Step], told: Callable[[Step], object]
) -> tuple[RunAnswers, list[apart.Outcome]]:
    """Have a run answer, and do further steps in the same process, where the network is loaded already.

    Args:
        run: Its folder, or `"builtin"`.
        pictures: What it is shown; saved into `folder` for the files too.
        backend: Keras's, on which it answers.
        folder: For arrays on their way.
        then: What else is done on that backend.
        told: Called with each step before it begins.

    Raises:
        CifarlabError: If the run cannot answer.
    """
    np.save(folder / "pictures.npy", pictures.images)
    to = folder / "run.npy"
    first = {"do": "answer", "run": run, "pictures": str(folder / "pictures.npy"), "to": str(to)}
    answered, *outcomes = apart.do_apart([first, *then], backend, told)
    if answered.why_not:
        raise CifarlabError(f"{run} cannot be asked: {answered.why_not}")
    logits = np.load(to)
    if not np.isfinite(logits).all():
        raise CifarlabError(f"{run} gives NaN or infinity: its training went wrong; train again")
    return RunAnswers(logits, **answered.found), outcomes


def ask_file(
    form: str, place: Path, of_run: RunAnswers, pictures: Pictures, temperature: float, folder: Path, *, judged: bool
) -> tuple[Proof, dict[str, float]]:
    """Have an exported file answer by its real runtime, and compare.

    Args:
        form: The format's name.
        place: The file.
        of_run: What the run said of the same pictures.
        pictures: What `ask_run` saved into `folder`.
        temperature: Of the run.
        folder: For arrays on their way.
        judged: Whether accuracy is compared.

    Returns:
        The proof, and the milliseconds.

    Raises:
        CifarlabError: If the file cannot answer, or answers in other shapes.
    """
    to = folder / "file.npz"
    step = {"do": "prove", "form": form, "place": str(place), "pictures": str(folder / "pictures.npy"), "to": str(to)}
    (outcome,) = apart.do_apart([step])
    if outcome.why_not:
        raise CifarlabError(f"its runtime refuses it: {outcome.why_not}")
    with np.load(to) as found:
        logits, probabilities = found["logits"], found["probabilities"]
    labels = pictures.labels if judged else None
    try:
        made = proof.compare(of_run.logits, logits, probabilities, temperature, pictures.split, labels)
    except ValueError as error:
        raise CifarlabError(str(error)) from error
    return made, outcome.found["milliseconds"]


def write_step(run: str, form: str, place: Path, about: Any, calibration: Path | None) -> Step:
    """The step that writes a format."""
    given = None if calibration is None else str(calibration)
    return {"do": "write", "run": run, "form": form, "place": str(place), "about": about, "calibration": given}


def group_by_backend(chosen: dict[str, ModuleType]) -> dict[str, list[str]]:
    """Names of formats by the backend that writes them."""
    groups: dict[str, list[str]] = {}
    for name, module in chosen.items():
        groups.setdefault(module.BACKEND, []).append(name)
    return groups
