"""What becomes of work whose process dies, takes too long or cannot write: with processes that are made up."""

import concurrent.futures
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool

import pebble
import pytest

from cifarlab.recipes import load_recipe
from cifarlab.search.tasks import DONE, ELSEWHERE, FAILED, NO_ROOM, Answer, Task
from cifarlab.search.workers import MOST_POOLS, LocalWorkers
from cifarlab.utils.errors import CifarlabError

KILLED = pebble.ProcessExpired("Abnormal termination", code=-9)


class Workers(LocalWorkers):
    """Each time a piece of work is begun, the next of its outcomes comes at once: an answer, or an error."""

    def __init__(self, outcomes, max_seconds=None):
        self.slept = []
        super().__init__(2, max_seconds=max_seconds, sleep=self.slept.append)
        self.outcomes, self.begun = outcomes, []

    def _start(self, task):
        self.begun.append(task.folder.name)
        outcome, future = self.outcomes[task.folder.name].pop(0), Future()
        if callable(outcome):
            outcome = outcome(task)
        if isinstance(outcome, BaseException):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
        return future


@pytest.fixture
def do(tmp_path):
    """Does the work of these names, and gives how each ended."""

    def do(workers):
        tasks = [Task(tmp_path / name, load_recipe("smoke"), 3) for name in workers.outcomes]
        answers = workers.run(tasks)
        return {task.folder.name: answers[task] for task in tasks}

    return do


def killed_after(epochs):
    def outcome(task):
        task.run.write_history([{"epoch": epoch} for epoch in range(1, epochs + 1)])
        return KILLED

    return outcome


def test_work_whose_process_dies_is_begun_again(do, caplog):
    workers = Workers({"a": [KILLED, KILLED, Answer(DONE)], "b": [Answer(DONE)]})
    assert do(workers) == {"a": Answer(DONE), "b": Answer(DONE)}
    line = "the process that trained a died (SIGKILL, as when memory runs out); another one goes on"
    assert caplog.messages == [line, line]
    assert sorted(workers.begun) == ["a", "a", "a", "b"]


def test_three_deaths_without_progress_are_a_failure(do):
    workers = Workers({"a": [KILLED, KILLED, KILLED], "b": [Answer(DONE)]})
    answers = do(workers)
    assert answers["a"] == Answer(FAILED, "its process died 3 times (SIGKILL, as when memory runs out)")
    assert answers["b"] == Answer(DONE)


def test_any_number_of_deaths_with_progress_between_is_none(do):
    outcomes = [killed_after(epochs) for epochs in (0, 0, 1, 1, 2, 2, 3, 3)]
    assert do(Workers({"a": [*outcomes, Answer(DONE)]})) == {"a": Answer(DONE)}
    # Cut back to an earlier checkpoint and come as far again is no progress.
    outcomes = [killed_after(epochs) for epochs in (2, 1, 2)]
    assert do(Workers({"b": outcomes}))["b"].ended == FAILED


def test_what_takes_too_long_fails(do):
    answers = do(Workers({"a": [concurrent.futures.TimeoutError("Task timeout", 90)]}, max_seconds=90))
    assert answers["a"].ended == FAILED
    assert "took longer than 1 min 30 s" in answers["a"].reason


def test_any_other_error_is_of_one_training(do):
    answers = do(Workers({"a": [RuntimeError("device\n  lost")], "b": [Answer(DONE)]}))
    assert answers == {"a": Answer(FAILED, "RuntimeError: device lost"), "b": Answer(DONE)}


def test_a_full_disk_ends_the_study(do):
    workers = Workers({"a": [Answer(NO_ROOM, "cannot write x: No space left on device")]})
    with pytest.raises(CifarlabError, match=r"No space left on device; then give the same command again$"):
        do(workers)


def test_work_of_another_command_is_waited_for(do):
    workers = Workers({"a": [Answer(ELSEWHERE), Answer(ELSEWHERE), Answer(DONE)]})
    assert do(workers) == {"a": Answer(DONE)}
    assert workers.slept == [1.0, 1.0]


def test_processes_that_die_before_they_have_work_fail_no_trial(do):
    """Pebble then gives up, and with it all that waits: other processes do it."""
    broken = BrokenProcessPool("All workers expired")
    workers = Workers({"a": [broken, broken, broken, broken, Answer(DONE)], "b": [broken, Answer(DONE)]})
    assert do(workers) == {"a": Answer(DONE), "b": Answer(DONE)}


class BrokenPool:
    """A pool whose processes die as soon as they start."""

    made = 0

    def __init__(self, *_, **__):
        type(self).made += 1
        self.active = True

    def schedule(self, *_, **__):
        self.active, future = False, Future()
        future.set_exception(BrokenProcessPool("All workers expired"))
        return future

    def stop(self):
        pass

    def join(self):
        pass


def test_processes_that_always_die_at_once_end_the_study(monkeypatch, tmp_path, caplog):
    monkeypatch.setattr(pebble, "ProcessPool", BrokenPool)
    with LocalWorkers(1) as workers, pytest.raises(CifarlabError, match="die as soon as they start"):
        workers.run([Task(tmp_path / "a", load_recipe("smoke"), 3)])
    assert BrokenPool.made == MOST_POOLS
    assert set(caplog.messages) == {"a process that had no work yet died; others begin, and nothing is lost"}


def test_what_is_done_starts_no_process(tmp_path):
    task = Task(tmp_path / "a", load_recipe("smoke"), 1)
    task.run.write_history([{"epoch": 1}])
    task.run.set_state("stopped")
    assert Workers({}).run([task]) == {task: Answer(DONE)}


class Pool:
    """Takes work and does none; once its processes have died, it has not even taken notice of it."""

    def __init__(self, is_well):
        self.active, self.is_well, self.taken = True, is_well, 0

    def schedule(self, function, args, timeout):
        future = Future()
        self.taken += 1
        if self.is_well:
            future.set_result(Answer(DONE))
        elif self.taken == 3:
            future.set_exception(BrokenProcessPool("All workers expired"))
            self.active = False
        return future

    def stop(self):
        return None

    close = join = stop


def test_work_that_a_broken_pool_never_took_notice_of_is_done_by_the_next(tmp_path, monkeypatch):
    pools = [Pool(is_well=False), Pool(is_well=True)]
    monkeypatch.setattr("pebble.ProcessPool", lambda *_, **__: pools.pop(0))
    tasks = [Task(tmp_path / name, load_recipe("smoke"), 3) for name in "abcde"]
    assert LocalWorkers(2).run(tasks) == dict.fromkeys(tasks, Answer(DONE))
