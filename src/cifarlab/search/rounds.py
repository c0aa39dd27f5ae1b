"""The search itself: settings are asked for in rounds, and each round is judged rung by rung.

Everything here follows from the space, the seed and the results that `evaluate` gives, so the same results always make
the same study: however many processes train, whichever was faster, and whenever one was killed. That is why nothing
but settings and results is ever stored. A study that goes on is simply searched again from its beginning, and what has
been trained answers at once.
"""

import hashlib
import logging
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from cifarlab.recipes import Recipe, override
from cifarlab.search.pruners import Round
from cifarlab.search.rules import Rules
from cifarlab.search.samplers import make_sampler
from cifarlab.search.space import Settings, Space
from cifarlab.utils import discovery
from cifarlab.utils.errors import CifarlabError

if TYPE_CHECKING:
    import optuna

MOST_FAILURES = 10
_ATTEMPTS = 20
"""So often is another proposal asked for in place of one that was tried before; then the space is taken for used up."""


@dataclass(frozen=True)
class Outcome:
    """What came of training a trial up to a rung: its score, higher is better, or why there is none."""

    score: float | None
    reason: str = ""


@dataclass
class Trial:
    """Settings that are tried.

    Attributes:
        number: From 0; 0 is the recipe as shipped.
        settings: What differs from the recipe, as `--set` takes it.
        parameters: The same as the sampler calls it.
        round: In which round it began, from 0.
        distributions: From what the sampler drew each parameter.
        scores: By rung, in epochs.
        state: `"running"`, `"complete"`, `"pruned"` or `"failed"`.
        reason: Why it failed.
    """

    number: int
    settings: Settings
    parameters: Mapping[str, Any]
    round: int
    distributions: Mapping[str, Any] = field(default_factory=dict, repr=False)
    scores: dict[int, float] = field(default_factory=dict)
    state: str = "running"
    reason: str = ""

    @property
    def epochs(self) -> int:
        """The last rung that it reached."""
        return max(self.scores, default=0)

    @property
    def score(self) -> float | None:
        """At the last rung that it reached."""
        return self.scores[self.epochs] if self.scores else None


def best_of(trials: Iterable[Trial]) -> list[Trial]:
    """Those that were trained to the end, from the best score on."""
    return sorted((t for t in trials if t.state == "complete"), key=lambda t: (-(t.score or 0.0), t.number))


class Pruner(Protocol):
    """A file in `pruners/`."""

    def plan(self, epochs: int, trials: int, number: int) -> Round:
        """Round `number`, of at most `trials`."""

    def keep(self, scores: Sequence[float], earlier: Sequence[float]) -> int:
        """How many go on from a rung, of scores sorted from the best."""


Evaluate = Callable[[Sequence[Trial], int], Sequence[Outcome]]
Known = Callable[[int], tuple[Settings, Mapping[str, Any]] | None]


def load_pruner(name: str) -> Pruner:
    """A pruner by its name.

    Raises:
        CifarlabError: If there is none; the message offers the nearest right name.
    """
    module: Any = discovery.load("search.pruners", name)
    pruner: Pruner = module
    return pruner


def plan_rounds(rules: Rules) -> list[tuple[list[int], tuple[int, ...]]]:
    """How many trials go to each rung of each round, if all scores are the same; and the rungs."""
    rule, left = load_pruner(rules.pruner), rules.trials
    rounds: list[tuple[list[int], tuple[int, ...]]] = []
    while left > 0:
        plan = rule.plan(rules.epochs, left, len(rounds))
        counts = [plan.size]
        for _ in plan.rungs[1:]:
            counts.append(min(counts[-1], rule.keep([0.0] * counts[-1], [])))
        rounds.append((counts, plan.rungs))
        left -= plan.size
    return rounds


def rungs_of_trials(rules: Rules) -> list[tuple[int, tuple[int, ...]]]:
    """Of each trial of the plan its round and the epochs at which it is judged."""
    return [(place, rungs) for place, (counts, rungs) in enumerate(plan_rounds(rules)) for _ in range(counts[0])]


def search(
    recipe: Recipe, space: Space, evaluate: Evaluate, rules: Rules, known: Known = lambda number: None
) -> Iterator[list[Trial]]:
    """Search, round by round.

    Args:
        recipe: What is varied; trial 0 is the recipe itself.
        space: What may be varied.
        evaluate: Trains trials up to a number of epochs and gives their outcomes, in the same order.
        rules: By which rules.
        known: Settings and parameters of a trial that was begun before, by its number; None of one that was not. So a
            study goes on as it began even where a later version of the sampler would have proposed something else.

    Yields:
        The trials of each round, when it has been judged to its end.

    Raises:
        CifarlabError: If ten trials in a row failed.
    """
    rule, trials = load_pruner(rules.pruner), rules.trials
    proposer = Proposer(recipe, space, rules.sampler, rules.seed, known)
    earlier: dict[int, list[float]] = {}
    begun, failures = 0, 0
    for number in range(trials):  # there are never more rounds than trials
        if begun >= trials:
            return
        plan = rule.plan(rules.epochs, trials - begun, number)
        members = proposer.propose(plan.size, begun, number)
        if not members:
            return
        begun += len(members)
        failures = _judge(members, plan, rule, evaluate, earlier, failures)
        proposer.tell(members)
        yield members


def _judge(
    members: list[Trial],
    plan: Round,
    rule: Pruner,
    evaluate: Evaluate,
    earlier: dict[int, list[float]],
    failures: int,
) -> int:
    """Train a round from rung to rung; how many trials in a row have failed by its end."""
    racing = members
    for rung in plan.rungs:
        outcomes = evaluate(racing, rung)
        for trial, outcome in zip(racing, outcomes, strict=True):
            if outcome.score is None:
                trial.state, trial.reason = "failed", outcome.reason
                failures += 1
            else:
                trial.scores[rung] = outcome.score
                failures = 0
            if failures >= MOST_FAILURES:
                raise CifarlabError(f"{failures} trials in a row failed, the last one: {trial.reason}")
        alive = sorted(
            (trial for trial in racing if trial.state == "running"),
            key=lambda trial: (-trial.scores[rung], trial.number),
        )
        if rung == plan.rungs[-1]:
            for trial in alive:
                trial.state = "complete"
            break
        scores = [trial.scores[rung] for trial in alive]
        count = rule.keep(scores, earlier.get(rung, [])) if alive else 0
        earlier.setdefault(rung, []).extend(scores)
        for trial in alive[count:]:
            trial.state = "pruned"
        # By number, so that the order of the work does not tell who leads.
        racing = sorted(alive[:count], key=lambda trial: trial.number)
    return failures


class Proposer:
    """Asks the sampler for settings and tells it what became of them."""

    def __init__(self, recipe: Recipe, space: Space, sampler: str, seed: int, known: Known) -> None:
        import optuna

        logging.getLogger("optuna").setLevel(logging.ERROR)  # it says at every call what it does
        self._recipe, self._space, self._sampler, self._seed, self._known = recipe, space, sampler, seed, known
        self._grid = space.combinations() if sampler == "grid" else None
        self._study = optuna.create_study(direction="maximize", sampler=make_sampler(sampler, seed))
        self._asked: dict[int, optuna.Trial] = {}
        self._tried: list[Recipe] = []

    def propose(self, count: int, begun: int, number: int) -> list[Trial]:
        """Up to `count` trials, numbered from `begun`; fewer where the space has nothing new."""
        members: list[Trial] = []
        while len(members) < count and (trial := self._next(begun + len(members), number)) is not None:
            members.append(trial)
        return members

    def _next(self, trial_number: int, round_number: int) -> Trial | None:
        if trial_number == 0:
            return self._shipped()
        recorded = self._known(trial_number)
        for attempt in range(_ATTEMPTS):
            fixed = None
            if recorded:
                fixed = dict(recorded[1])
                self._leave_out(fixed)
            elif self._grid is not None:
                if not self._grid:
                    return None
                fixed = self._grid.pop(0)
            asked, settings = self._ask(fixed, trial_number, attempt)
            varied = override(self._recipe, [f"{key}={value}" for key, value in settings.items()])
            if recorded or varied not in self._tried:
                self._asked[trial_number] = asked
                self._tried.append(varied)
                words = recorded[0] if recorded else settings
                return Trial(trial_number, words, dict(asked.params), round_number, dict(asked.distributions))
            self._study.tell(asked, state=_states().FAIL)  # tried before: the sampler learns nothing new from it
        return None

    def _shipped(self) -> Trial:
        """The recipe itself; told to the sampler where the space holds it."""
        self._tried.append(self._recipe)
        parameters, distributions = self._space.parameters_of(self._recipe), dict[str, Any]()
        if parameters is not None:
            self._asked[0], _ = self._ask(parameters, 0, 0)
            distributions = dict(self._asked[0].distributions)
            self._leave_out(parameters)
        return Trial(0, {}, parameters or {}, 0, distributions)

    def _leave_out(self, parameters: Mapping[str, Any]) -> None:
        """Take a combination that has been tried out of the grid."""
        if self._grid is not None:
            self._grid = [each for each in self._grid if each != parameters]

    def _ask(self, fixed: Mapping[str, Any] | None, number: int, attempt: int) -> "tuple[optuna.Trial, Settings]":
        # A sampler of its own for each trial: what it proposes follows from the results, and not from how many it was
        # asked for in this process before.
        text = f"{self._seed} {number} {attempt}"
        own_seed = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest(), "big")
        self._study.sampler = make_sampler(self._sampler, own_seed)
        if fixed is not None:
            self._study.enqueue_trial(dict(fixed))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Optuna's notes about what is new in it, and about grids
            asked = self._study.ask()
            return asked, self._space.suggest(asked)

    def tell(self, members: Sequence[Trial]) -> None:
        """Tell the sampler of a whole round, in the order of the numbers."""
        for trial in members:
            asked = self._asked.get(trial.number)
            if asked is None:  # the recipe as shipped, where the space does not hold it
                continue
            for rung, score in trial.scores.items():
                asked.report(score, rung)
            if trial.state == "complete":
                self._study.tell(asked, trial.score)
            else:
                self._study.tell(asked, state=_states().PRUNED if trial.state == "pruned" else _states().FAIL)


def _states() -> Any:
    from optuna.trial import TrialState

    return TrialState
