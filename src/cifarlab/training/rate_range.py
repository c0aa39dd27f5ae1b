"""A learning-rate range test: the loss while the rate rises from step to step, and which rates that suggests.

Smith 2017, arXiv:1506.01186; smoothing, the end and the rules as in fastai's `lr_find` (Howard and Gugger 2020,
arXiv:2002.04688).
"""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cifarlab.datasets import Splits
from cifarlab.displays.progress import progress_of
from cifarlab.plots import to_png
from cifarlab.recipes import Recipe
from cifarlab.runs import Run
from cifarlab.training.beginning import open_beginning
from cifarlab.training.preparation import prepare
from cifarlab.training.resolving import resolve_recipe
from cifarlab.utils import files
from cifarlab.utils.arrays import Array
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.progress import ProgressCallback, ignore
from cifarlab.utils.random_state import kept_random_state

LOW, HIGH, STEPS = 1e-6, 10.0, 100
LEAST_STEPS = 20
_KEPT = 0.98  # of the smoothed loss, a step
_DIVERGED = 4.0  # times the lowest smoothed loss so far: there is nothing to learn beyond it
_LAST = 5  # steps that no rule looks at: the loss explodes there


@dataclass(frozen=True)
class RateRange:
    """What a learning-rate range test found.

    Attributes:
        recipe: What was tried: a recipe's name, or its model's.
        rates: The learning rate of each step, rising.
        losses: The mean loss of each step's images, in nats.
        smoothed: Their moving average.
        has_diverged: Whether it ended before the highest rate, since the loss was four times its lowest or no number.
        valley: The rate in the middle of the longest fall of the loss; None where it does not fall. This one is
            suggested.
        steepest: The rate at which the loss falls fastest; likewise.
        minimum: A tenth of the rate at which it is lowest; likewise.
        recipe_rate: The recipe's own learning rate.
    """

    recipe: str
    rates: tuple[float, ...]
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]
    has_diverged: bool
    valley: float | None
    steepest: float | None
    minimum: float | None
    recipe_rate: float


@kept_random_state()
def find_rate(
    recipe: str | Recipe,
    *,
    settings: Sequence[str] = (),
    data: str | None = None,
    data_dir: str | os.PathLike[str] | None = None,
    splits: Splits | None = None,
    code: Sequence[str | os.PathLike[str]] = (),
    low: float = LOW,
    high: float = HIGH,
    steps: int = STEPS,
    output: str | os.PathLike[str] | None = None,
    progress: ProgressCallback | None = None,
    show: bool | None = None,
) -> RateRange:
    """Raise the learning rate from step to step and see where the loss falls: a learning-rate range test.

    A network is built as for a training, and thrown away; no run is made. Augmentation, optimizer and batch size are
    the recipe's; its schedule is not used.

    Args:
        recipe: A recipe's name, the path of a file with one, or a Recipe.
        settings: Overrides such as `"batch_size=500"`.
        data: Replaces the recipe's data set.
        data_dir: Where the data are, see `load_data`.
        splits: The data, where they are loaded already.
        code: The user's own Python files that a recipe in JSON may name.
        low: Learning rate of the first step.
        high: Of the last one.
        steps: How many.
        output: A folder for a figure, the numbers as CSV and all as JSON; by default nothing is written.
        progress: Called with a phrase and the share done.
        show: Whether to show the progress; None: in a notebook and at a prompt.

    Raises:
        CifarlabError: If any of these is wrong, or the loss is no number from the first step on.
    """
    _check(low, high, steps)
    resolved = resolve_recipe(recipe, settings, {} if data is None else {"data": data}, code, progress or ignore)
    begin = open_beginning(resolved.start_from, resolved.data, code)
    splits, model = prepare(resolved, data_dir if data_dir is None else Path(data_dir), splits)
    if begin is not None:
        begin.hand_over(model, resolved, splits)
    from cifarlab.training.fit import Task, try_rates  # which loads Keras
    from cifarlab.training.optimizers.schedules import ExponentialRise

    name = Path(recipe).stem if isinstance(recipe, str) else resolved.model
    losses: list[float] = []
    with progress_of(f"trying rates on {name}", show if progress is None else False) as shown:
        tell = progress or shown
        schedule = ExponentialRise(low, high, steps, resolved.learning_rate)
        for loss in try_rates(Task(resolved, splits, model, Run(Path())), schedule, steps):
            losses.append(loss)
            tell(f"step {len(losses)} of {steps}", len(losses) / steps)
            smoothed = smooth(losses)
            if not math.isfinite(loss) or smoothed[-1] > _DIVERGED * min(smoothed):
                break
    found = judge(name, np.geomspace(low, high, steps), losses, resolved.learning_rate)
    if output is not None:
        write(found, Path(output))
    return found


def judge(name: str, rates: Array, losses: Sequence[float], recipe_rate: float) -> RateRange:
    """Which rates the losses of a range test suggest.

    Args:
        name: What was tried.
        rates: `(S,)` float, of all steps that were planned.
        losses: Of those that were taken; the last may be no number.
        recipe_rate: The recipe's own.
    """
    finite = [loss for loss in losses if math.isfinite(loss)]
    if not finite:
        raise CifarlabError(f"the loss of {name} is no number from the first step on: give a lower --low")
    smoothed = smooth(finite)
    # Before the first tenth the average is of few steps.
    used = slice(len(rates) // 10, max(0, len(finite) - _LAST))
    tried, seen = rates[: len(finite)][used], np.array(smoothed)[used]
    has_fallen = len(seen) > 1 and bool(seen.min() < seen[0])
    return RateRange(
        name,
        tuple(rates[: len(finite)].tolist()),
        tuple(finite),
        tuple(smoothed),
        len(finite) < len(rates),
        float(tried[middle_of_longest_fall(seen)]) if has_fallen else None,
        float(tried[int(np.argmin(np.diff(seen)))]) if has_fallen else None,  # the rates' logarithms are evenly spaced
        float(tried[int(np.argmin(seen))]) / 10 if has_fallen else None,
        recipe_rate,
    )


def smooth(losses: Sequence[float]) -> list[float]:
    """Exponential moving average, without the pull of its beginning towards 0 (as Adam's moments, arXiv:1412.6980)."""
    average, smoothed = 0.0, []
    for step, loss in enumerate(losses, start=1):
        average = _KEPT * average + (1 - _KEPT) * loss
        smoothed.append(average / (1 - _KEPT**step))
    return smoothed


def middle_of_longest_fall(losses: Array) -> int:
    """Index in the middle of the longest row of losses, neighbours or not, of which each is lower than the one before.

    Args:
        losses: `(S,)` float.
    """
    lengths: list[int] = []
    for place, loss in enumerate(losses):
        lengths.append(1 + max((lengths[i] for i in range(place) if losses[i] > loss), default=0))
    longest = max(lengths)
    # A third of its length and half a third beyond its beginning, as if its members were neighbours.
    return lengths.index(longest) - longest + longest // 3 + longest // 6


def write(found: RateRange, folder: Path) -> None:
    """Write figure, CSV and JSON, named by the recipe.

    Raises:
        CifarlabError: If they cannot be written.
    """
    from cifarlab.plots.learning_rates import plot_learning_rates

    files.make_folder(folder)
    rows = [
        {"learning_rate": rate, "loss": loss, "smoothed_loss": average}
        for rate, loss, average in zip(found.rates, found.losses, found.smoothed, strict=True)
    ]
    files.write_csv(folder / f"{found.recipe}.csv", rows, rows[0])
    files.write_json(folder / f"{found.recipe}.json", found)
    marks = {"valley": found.valley, "steepest": found.steepest, "minimum / 10": found.minimum}
    known = {name: rate for name, rate in marks.items() if rate is not None}
    figure = plot_learning_rates(found.rates, found.losses, found.smoothed, known)
    files.write_bytes(folder / f"{found.recipe}.png", to_png(figure))


def _check(low: float, high: float, steps: int) -> None:
    if not (0 < low < high and math.isfinite(high)):
        raise CifarlabError(f"rates rise from low to high, both above 0. Received: low={low:g}, high={high:g}")
    if steps < LEAST_STEPS:
        raise CifarlabError(f"a range test takes at least {LEAST_STEPS} steps. Received: {steps}")
