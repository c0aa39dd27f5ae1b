"""By which rules a study searches."""

from dataclasses import dataclass

from cifarlab.utils import discovery
from cifarlab.utils.errors import CifarlabError

SAMPLERS = ("tpe", "random", "gp", "cmaes", "grid")


@dataclass(frozen=True)
class Rules:
    """By which rules a study searches: all that decides its results.

    Attributes:
        trials: How many settings are tried.
        epochs: The most that a trial may have.
        sampler: One of `SAMPLERS`.
        pruner: A file in `pruners/`.
        seeds_per_trial: How many trainings a trial is; its score is their mean.
        threads: With how many each training computes.
        confirm_seeds: How many trainings the winners and the shipped recipe get at the end.
        seed: Of the sampler.
        asynchronous: Whether each trial is judged when it arrives at a rung, and no round is waited for. Then results
            depend on how many processes train, and on which was faster.
    """

    trials: int = 100
    epochs: int = 20
    sampler: str = "tpe"
    pruner: str = "one_epoch"
    seeds_per_trial: int = 1
    threads: int = 1
    confirm_seeds: int = 3
    seed: int = 0
    asynchronous: bool = False

    def __post_init__(self) -> None:
        discovery.load("search.pruners", self.pruner)
        if self.sampler not in SAMPLERS:
            raise CifarlabError(discovery.unknown("sampler", self.sampler, SAMPLERS))
        if self.asynchronous and self.pruner == "one_epoch":
            raise CifarlabError("one_epoch compares all trials with each other: --asynchronous needs --pruner halving")

    def check_minutes(self, max_minutes: float | None) -> None:
        """Refuse a limit of time where there is but one round: only between rounds could it end the search.

        Raises:
            CifarlabError: If there is such a limit.
        """
        if max_minutes is not None and self.pruner == "one_epoch":
            raise CifarlabError("one_epoch has a single round, which --max-minutes cannot end: add --pruner halving")
