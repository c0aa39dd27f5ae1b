"""Has the trials of a race trained: as many at once as there are processes, each judged when it arrives."""

from collections.abc import Callable, Sequence

from cifarlab.search.asynchronous import Leg, Race, read_arrivals, replay, write_arrivals
from cifarlab.search.observer import TuningObserver
from cifarlab.search.rounds import Outcome
from cifarlab.search.study import Study
from cifarlab.search.tasks import Answer, Task
from cifarlab.search.trainer import Trainer, name_runs
from cifarlab.search.workers import Workers

TITLE = "as they arrive"


class Racing:
    """The hands of a race.

    Args:
        study: Whose trials.
        race: At its beginning.
        trainer: Makes tasks of trials, and reads what came of them.
        crew: Who trains.
        show: Told what is trained.
        epochs: The most that a trial may have.
    """

    def __init__(
        self, study: Study, race: Race, trainer: Trainer, crew: Workers, show: TuningObserver, epochs: int
    ) -> None:
        self._study, self._race, self._trainer, self._crew, self._show = study, race, trainer, crew, show
        self._epochs = epochs
        self._arrivals: list[int] = []
        self._tasks: dict[int, list[Task]] = {}  # of those that are under way, by number
        self._answers: dict[Task, Answer] = {}

    def run(self, is_time: Callable[[], bool] = lambda: True) -> None:
        """Train until all trials have ended; those that arrived before are judged again first.

        Args:
            is_time: Asked before each further trial whether it may begin.
        """
        self._is_time = is_time
        race = self._race
        before = read_arrivals(self._study)
        self._arrivals = replay(race, before, lambda leg: self._trainer.outcome_before(leg.trial, leg.rung))
        legs = list(race.under_way.values())
        while len(legs) < self._crew.size() and is_time() and (leg := race.begin()) is not None:
            legs.append(leg)
        tasks = [task for leg in legs for task in self._send(leg)]
        self._watch()
        self._crew.run(tasks, self._show.tick, self._then)

    def _send(self, leg: Leg | None) -> list[Task]:
        if leg is None:
            return []
        tasks = self._trainer.begin(leg.trial, leg.rung)
        if not tasks:  # it failed before
            return self._arrived(leg, self._trainer.settle(leg.trial, leg.rung, []))
        self._tasks[leg.trial.number] = tasks
        return tasks

    def _then(self, task: Task, answer: Answer) -> Sequence[Task]:
        """Of a trial's last seed: judge it, and give what is to be trained in its place."""
        self._answers[task] = answer
        number = next(number for number, tasks in self._tasks.items() if task in tasks)
        if any(each not in self._answers for each in self._tasks[number]):
            return ()
        answers = [self._answers.pop(each) for each in self._tasks.pop(number)]
        leg = self._race.under_way[number]
        tasks = self._arrived(leg, self._trainer.settle(leg.trial, leg.rung, answers))
        self._watch()
        return tasks

    def _arrived(self, leg: Leg, outcome: Outcome) -> list[Task]:
        self._arrivals.append(leg.trial.number)
        write_arrivals(self._study, self._arrivals)
        following = self._race.arrive(leg.trial.number, outcome)
        return self._send(following or (self._race.begin() if self._is_time() else None))

    def _watch(self) -> None:
        labels = {f"trial {number}": tasks for number, tasks in sorted(self._tasks.items())}
        self._show.race(TITLE, name_runs(labels), 0, self._epochs)
