"""The same search without rounds: who reaches a rung is judged there and then, against all who came before.

No process waits for another, so the study depends on how many there are and on which was faster. That is why the order
of arrivals is kept: a study that goes on judges again as it did before, and then goes on from there.

A trial is stopped or goes on when it arrives, and that stays so, as in Optuna and Ray Tune.
Source: Li et al. 2020, A System for Massively Parallel Hyperparameter Tuning, arXiv:1810.05934.
"""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cifarlab.recipes import Recipe
from cifarlab.search.rounds import MOST_FAILURES, Known, Outcome, Proposer, Trial, load_pruner, rungs_of_trials
from cifarlab.search.rules import Rules
from cifarlab.search.space import Space
from cifarlab.search.study import Study
from cifarlab.utils import files
from cifarlab.utils.errors import CifarlabError, say_error


@dataclass(frozen=True)
class Leg:
    """A trial on its way to a rung, the next at which it is judged."""

    trial: Trial
    rung: int


Ended = Callable[[Trial], None]


class Race:
    """Which trials are under way, and who goes on.

    Args:
        recipe: What is varied; trial 0 is the recipe itself.
        space: What may be varied.
        rules: By which rules.
        known: See `rounds.search`.
        ended: Told of each trial that has been judged to its end.
    """

    def __init__(self, recipe: Recipe, space: Space, rules: Rules, known: Known, ended: Ended) -> None:
        self._rule, self._plan, self._ended = load_pruner(rules.pruner), rungs_of_trials(rules), ended
        self._proposer = Proposer(recipe, space, rules.sampler, rules.seed, known)
        self._begun = self._failures = 0
        self._scores: dict[tuple[tuple[int, ...], int], list[float]] = {}
        self.under_way: dict[int, Leg] = {}

    def begin(self) -> Leg | None:
        """One more trial; None where all have begun, or the space has nothing new."""
        if self._begun >= len(self._plan):
            return None
        place, rungs = self._plan[self._begun]
        members = self._proposer.propose(1, self._begun, place)
        if not members:
            self._begun = len(self._plan)
            return None
        self._begun += 1
        return self._send(members[0], rungs[0])

    def arrive(self, number: int, outcome: Outcome) -> Leg | None:
        """Judge a trial at the rung to which it was on its way; its way to the next one, where it goes on.

        Raises:
            CifarlabError: If ten trials in a row failed.
        """
        leg = self.under_way.pop(number)
        trial, rungs = leg.trial, self._plan[number][1]
        if outcome.score is None:
            trial.state, trial.reason = "failed", outcome.reason
            self._failures += 1
            if self._failures >= MOST_FAILURES:
                raise CifarlabError(f"{self._failures} trials in a row failed, the last one: {trial.reason}")
        else:
            trial.scores[leg.rung] = outcome.score
            self._failures = 0
            if leg.rung == rungs[-1]:
                trial.state = "complete"
            elif self._goes_on(outcome.score, rungs, leg.rung):
                return self._send(trial, rungs[rungs.index(leg.rung) + 1])
            else:
                trial.state = "pruned"
        self._proposer.tell([trial])
        self._ended(trial)
        return None

    def _send(self, trial: Trial, rung: int) -> Leg:
        self.under_way[trial.number] = Leg(trial, rung)
        return self.under_way[trial.number]

    def _goes_on(self, score: float, rungs: tuple[int, ...], rung: int) -> bool:
        """Whether its place among all at this rung is among those that the rule keeps of so many."""
        scores = self._scores.setdefault((rungs, rung), [])
        place = sum(each >= score for each in scores)
        scores.append(score)
        return place < self._rule.keep(sorted(scores, reverse=True), [])


def read_arrivals(study: Study) -> list[int]:
    """The numbers of the trials in the order in which they arrived at a rung, each as often as it did.

    Raises:
        CifarlabError: If the file is damaged.
    """
    if not study.arrivals_file.is_file():
        return []
    try:
        with study.arrivals_file.open(encoding="utf-8", newline="") as file:
            return [int(row["trial"]) for row in csv.DictReader(file)]
    except (KeyError, ValueError, TypeError, csv.Error) as error:
        reason = say_error(error)
        raise CifarlabError(
            f"{study.arrivals_file} is damaged ({reason}): remove it, and give the study's command again; trials that "
            "are there are then judged in another order"
        ) from error


def write_arrivals(study: Study, numbers: Sequence[int]) -> None:
    """Keep in which order trials arrived."""
    files.write_csv(study.arrivals_file, [{"trial": number} for number in numbers], ["trial"])


def replay(race: Race, arrivals: Sequence[int], outcome_of: Callable[[Leg], Outcome | None]) -> list[int]:
    """Judge again what arrived before.

    Args:
        race: At its beginning.
        arrivals: Trials, in their order.
        outcome_of: What came of a leg; None where that is gone, so that it has to be trained again.

    Returns:
        The arrivals that were judged: all but those after the first one that is gone.
    """
    judged: list[int] = []
    for number in arrivals:
        while number not in race.under_way:
            if race.begin() is None:
                return judged  # it had ended already, or is of a plan that was larger
        outcome = outcome_of(race.under_way[number])
        if outcome is None:
            return judged
        race.arrive(number, outcome)
        judged.append(number)
    return judged
