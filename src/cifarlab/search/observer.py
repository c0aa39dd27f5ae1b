"""What a search tells whoever watches it. The command line draws it, tests record it, `Silent` ignores it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from cifarlab.displays import progress
from cifarlab.displays.tuning import TuningDisplay
from cifarlab.runs import Run


class TuningObserver(Protocol):
    """Somebody who watches a search."""

    def begin(self, study: Path, about: Sequence[str], epochs: int) -> None:
        """The study begins, or goes on: what it is, in lines, and how many epochs it takes in all."""
        return

    def race(self, title: str, runs: Mapping[str, Run], since: int, until: int) -> None:
        """These runs, by what to call them, are trained from one epoch to another."""
        return

    def tick(self) -> None:
        """About a second has gone by."""
        return

    def judged(self, best: str, counts: Mapping[str, int]) -> None:
        """One more round has been judged: the best so far, and how many trials there are of each state."""
        return

    def end(self) -> None:
        """The search has ended, well or not."""
        return


class Silent(TuningObserver):
    """Nobody watches."""


def choose_observer(show: TuningObserver | bool | None) -> TuningObserver:
    """Who watches a search.

    Args:
        show: An observer; True for a `TuningDisplay`, False for none; None for a display where somebody sees it.

    Raises:
        CifarlabError: If it is none of these.
    """
    return progress.choose_observer(show, TuningDisplay, Silent)
