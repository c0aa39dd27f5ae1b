"""Does this machine get the same weights, bit for bit? A run's first steps are taken again and compared."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np

from cifarlab.runs import Run, open_run
from cifarlab.runs.first_steps import Mark, read_first_steps
from cifarlab.training.beginning import begin_again
from cifarlab.training.devices import choose_again, choose_devices
from cifarlab.training.preparation import rebuild
from cifarlab.utils import own_code
from cifarlab.utils.environment import describe_environment
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.machine import kernels
from cifarlab.utils.progress import ProgressCallback, ignore
from cifarlab.utils.random_state import kept_random_state


@dataclass(frozen=True)
class Comparison:
    """The weights after a step, then and here.

    Attributes:
        step: How many steps were taken; 0 are the initial weights.
        is_same: Whether all are the same to the last bit.
        difference: Largest absolute difference among some of the weights.
        relative_difference: The same, in units of the root mean square of these weights.
        loss: Of that step in the run; None at step 0.
        loss_here: Of that step here.
    """

    step: int
    is_same: bool
    difference: float
    relative_difference: float
    loss: float | None
    loss_here: float | None


@dataclass(frozen=True)
class Verification:
    """Whether this machine reproduces a run.

    Attributes:
        run: Its folder.
        is_same: Whether after all steps.
        comparisons: One a noted step.
        differs: What of the machine is not as it was, as far as it is recorded.
    """

    run: str
    is_same: bool
    comparisons: tuple[Comparison, ...]
    differs: tuple[str, ...]

    @property
    def first_difference(self) -> Comparison | None:
        """The first noted step after which the weights are others."""
        return next((each for each in self.comparisons if not each.is_same), None)


@kept_random_state()
def verify(
    run: Run | str | Path,
    *,
    steps: int = 16,
    data_dir: str | Path | None = None,
    code: Sequence[str | PathLike[str]] = (),
    progress: ProgressCallback = ignore,
) -> Verification:
    """Take a run's first steps again, with its own threads and kernels where that is possible, and compare the weights.

    Nothing is written.

    Args:
        run: The run, or its folder.
        steps: How many steps at most; what the run noted up to there is compared.
        data_dir: Where the data are now; by default where they were.
        code: The user's own Python files that the run's recipe names, where it does.
        progress: Told how far it is.

    Raises:
        CifarlabError: If the run has no record of its first steps, or data, own code or backend are not those it was
            trained with.
    """
    own_code.allow_files(code)
    run = run if isinstance(run, Run) else open_run(run)
    marks = [mark for mark in read_first_steps(run) if mark.step <= steps]
    splits, model = rebuild(run, f"cifarlab verify {shlex.quote(str(run.path))} ", data_dir)
    begin_again(run, model, splits)
    differs = kernels.differences(run.environment, describe_environment())
    from cifarlab.training.fit import Task, take_first_steps  # which loads Keras

    found = take_first_steps(
        Task(run.recipe, splits, model, run, devices=_devices_of_first_steps(run)), marks[-1].step, progress
    )
    if [mark.step for mark in found] != [mark.step for mark in marks] or len(found[0].sample) != len(marks[0].sample):
        raise CifarlabError(f"{run.first_steps_file} is not of this recipe: train the run again")
    comparisons = tuple(compare(then, here) for then, here in zip(marks, found, strict=True))
    return Verification(str(run.path), all(each.is_same for each in comparisons), comparisons, tuple(differs))


def compare(then: Mark, here: Mark) -> Comparison:
    """Two notes of the weights after the same step."""
    old, new = np.array(then.sample), np.array(here.sample)
    difference = float(np.abs(old - new).max(initial=0.0))
    size = float(np.sqrt(np.mean(old**2))) or 1.0
    is_same = then.checksum == here.checksum
    return Comparison(then.step, is_same, difference, difference / size, then.loss, here.loss)


def _devices_of_first_steps(run: Run) -> int:
    """On how many devices the first steps were taken: a run may have been resumed on another number."""
    first = run.environment.get("first_devices")
    return choose_again(None, run) if not isinstance(first, int) else choose_devices(first, run.recipe)
