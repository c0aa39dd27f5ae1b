"""What a search tells whoever watches it. The command line draws it, tests record it, `Silent` ignores it."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from cifarlab.datasets import Splits
from cifarlab.search.rounds import Trial
from cifarlab.search.space import Settings
from cifarlab.search.study import Study

if TYPE_CHECKING:
    from cifarlab.search.tuning import Tuned


class TuningObserver(Protocol):
    """Somebody who watches a search.

    Attributes:
        command: The command that makes the study, for its folder.
    """

    command: str = ""

    def begin(self, study: Study, splits: Splits, jobs: int) -> None:
        """The study begins, or goes on."""
        return

    def racing(self, trials: Sequence[Trial], epochs: int) -> None:
        """These trials are trained up to a number of epochs."""
        return

    def tick(self) -> None:
        """About a second has gone by."""
        return

    def round(self, trials: Sequence[Trial]) -> None:
        """One more round has been judged; these are all trials so far."""
        return

    def confirming(self, found: Mapping[str, Settings]) -> None:
        """The best settings are trained anew."""
        return

    def end(self, tuned: "Tuned") -> None:
        """The search has ended."""
        return


class Silent(TuningObserver):
    """Nobody watches."""
