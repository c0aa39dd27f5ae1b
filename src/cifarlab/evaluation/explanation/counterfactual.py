"""The smallest change of an image's pixels, as far as an attack finds it, that makes a model name another class."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifarlab.evaluation.robustness.attacks import Attack, attack
from cifarlab.inference.forward import compile_forward
from cifarlab.inference.gradients import loss_gradient
from cifarlab.utils.arrays import Array

STEPS = 10
RESTARTS = 4
SMALLEST = 0.25
LARGEST = 64.0
HALVINGS = 6


@dataclass(frozen=True, eq=False)
class ClassChange:
    """A picture that looks the same to people and is something else to the model.

    Attributes:
        grey_levels: The most that any value was changed, in units of 1/255. A smaller change may exist.
        image: `(H, W, C)` float32, 0 to 255, not rounded to whole grey levels.
        survives_rounding: Whether the class is no longer `before` when the picture is rounded to whole grey levels.
    """

    before: int
    after: int
    grey_levels: float
    image: NDArray[np.float32]
    survives_rounding: bool


def find_smallest_change(model: Any, image: Array, *, largest: float = LARGEST) -> ClassChange | None:
    """Lead the model away from the class it names, with less and less.

    Projected gradient descent in L-inf from four random starts; what it may change is doubled until it succeeds, and
    then halved in between.

    Args:
        model: A `keras.Model`: raw pixels in, logits out.
        image: `(H, W, C)` uint8.
        largest: In grey levels; more is not tried.

    Returns:
        None if not even that sufficed.
    """
    forward: Callable[[Array], Array] = compile_forward(model)
    gradient = loss_gradient(model)
    copies = np.repeat(image[None], RESTARTS, axis=0).astype(np.float32)
    named = forward(copies).argmax(axis=1)
    before = int(named[0])

    def attempt(epsilon: float) -> NDArray[np.float32] | None:
        made = attack(model, copies, named, Attack("pgd", "linf", epsilon, STEPS), gradient=gradient)
        (hits,) = np.nonzero(forward(made).argmax(axis=1) != before)
        return made[hits[0]] if len(hits) else None

    found = _least(attempt, largest)
    if found is None:
        return None
    pair = np.repeat(np.stack([found, np.rint(found)]), RESTARTS // 2, axis=0)  # a shape that was compiled already
    after, rounded = forward(pair).argmax(axis=1)[[0, RESTARTS // 2]]
    return ClassChange(before, int(after), float(np.abs(found - image).max()), found, int(rounded) != before)


def _least(attempt: Callable[[float], Array | None], largest: float) -> Array | None:
    """What the smallest `epsilon` gives that suffices, doubled until one does and then halved in between."""
    enough, too_little = SMALLEST, 0.0
    found = attempt(enough)
    while found is None and enough < largest:
        enough, too_little = min(2 * enough, largest), enough
        found = attempt(enough)
    for _ in range(0 if found is None else HALVINGS):
        middle = (too_little + enough) / 2
        tried = attempt(middle)
        if tried is None:
            too_little = middle
        else:
            enough, found = middle, tried
    return found
