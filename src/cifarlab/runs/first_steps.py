"""What a run's weights were after its first steps, in few words: enough to tell whether another machine gets the same.

The checksum tells whether all weights are the same to the last bit; a small sample tells by how much they are not.
"""

from dataclasses import dataclass

from cifarlab.runs.layout import RunFiles
from cifarlab.utils import files
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.json_reading import read_result

FORMAT = 1


@dataclass(frozen=True)
class Mark:
    """The weights after a step.

    Attributes:
        step: How many steps were taken.
        checksum: SHA-256 of all variables of the model, in order.
        sample: Some of its trainable weights, spread over all layers.
        loss: Mean of that step's losses, as it met the batch; None before the first step.
    """

    step: int
    checksum: str
    sample: tuple[float, ...]
    loss: float | None = None


@dataclass(frozen=True)
class FirstSteps:
    """The weights at the beginning, and after some of the first steps."""

    format: int
    marks: tuple[Mark, ...]


def write_first_steps(run: RunFiles, marks: tuple[Mark, ...]) -> None:
    """Keep them in the run's folder."""
    files.write_sealed(run.first_steps_file, FirstSteps(FORMAT, marks))


def read_first_steps(run: RunFiles) -> tuple[Mark, ...]:
    """What `write_first_steps` wrote.

    Raises:
        CifarlabError: If there is nothing, it is damaged or of another format.
    """
    command = f"cifarlab train {run.recipe_file}"
    if not run.first_steps_file.is_file():
        raise CifarlabError(
            f"{run.path} has no record of its first steps ({run.first_steps_file.name}): it stopped before them, or an "
            f"earlier version trained it; to have one, run {command}"
        )
    found = read_result(FirstSteps, run.first_steps_file, command)
    if found.format != FORMAT or not found.marks or len({len(mark.sample) for mark in found.marks}) != 1:
        raise CifarlabError(f"{run.first_steps_file} is damaged or of another version: run {command}")
    return found.marks
