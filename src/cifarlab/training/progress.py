"""What a training tells whoever watches it. The command line draws it, tests record it, `Silent` ignores it."""

from collections.abc import Mapping
from typing import Protocol

from cifarlab.recipe import Recipe
from cifarlab.runs import Run


class Progress(Protocol):
    """Somebody who watches a training."""

    def start(self, recipe: Recipe, run: Run, steps_per_epoch: int, first_epoch: int, epochs: int) -> None:
        """The first step is about to begin; `first_epoch` is above 1 when a training is resumed."""

    def step(self, epoch: int, step: int, loss: float, accuracy: float, images_per_second: float) -> None:
        """`step` steps of `epoch` are done; loss and accuracy are this epoch's means so far."""

    def epoch(self, row: Mapping[str, float], is_best: bool) -> None:
        """An epoch has ended; `row` is its line of the history."""

    def finish(self, run: Run) -> None:
        """The training has ended, well or not."""


class Silent:
    """Nobody watches."""

    def start(self, recipe: Recipe, run: Run, steps_per_epoch: int, first_epoch: int, epochs: int) -> None:
        """Ignore."""

    def step(self, epoch: int, step: int, loss: float, accuracy: float, images_per_second: float) -> None:
        """Ignore."""

    def epoch(self, row: Mapping[str, float], is_best: bool) -> None:
        """Ignore."""

    def finish(self, run: Run) -> None:
        """Ignore."""
