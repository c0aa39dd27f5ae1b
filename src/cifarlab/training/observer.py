"""What a training tells whoever watches it. The command line draws it, tests record it, `Silent` ignores it."""

from collections.abc import Mapping
from typing import Protocol

from cifarlab.displays import progress
from cifarlab.displays.progress import TrainingDisplay
from cifarlab.recipes import Recipe
from cifarlab.runs import Run


class TrainingObserver(Protocol):
    """Somebody who watches a training.

    One that has a method `note(text: str)` too is told what else a person should know: that a checkpoint was damaged,
    or how a training that goes on had ended.
    """

    def start(self, recipe: Recipe, run: Run, steps_per_epoch: int, first_epoch: int, epochs: int) -> None:
        """The first step is about to begin; `first_epoch` is above 1 when a training is resumed."""
        return

    def step(self, epoch: int, step: int, loss: float, accuracy: float, images_per_second: float) -> None:
        """`step` steps of `epoch` are done; loss and accuracy are this epoch's means so far."""
        return

    def epoch(self, row: Mapping[str, float], is_best: bool) -> None:
        """An epoch has ended; `row` is its line of the history."""
        return

    def finish(self, run: Run) -> None:
        """The training has ended, well or not."""
        return


class Silent(TrainingObserver):
    """Nobody watches."""


def tell(show: TrainingObserver, text: str) -> None:
    """Tell who watches a sentence, where it takes any."""
    if callable(note := getattr(show, "note", None)):
        note(text)


def choose_observer(show: TrainingObserver | bool | None) -> TrainingObserver:
    """Who watches a training.

    Args:
        show: An observer; True for a `TrainingDisplay`, False for none; None for a display where somebody sees it.

    Raises:
        CifarlabError: If it is none of these.
    """
    observer = progress.choose_observer(show, TrainingDisplay, Silent)
    if isinstance(observer, TrainingDisplay):
        observer.wait()
    return observer
