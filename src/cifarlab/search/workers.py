"""Processes that do the work: each loads Keras and the data once, and is replaced when it dies."""

import collections
import concurrent.futures
import contextlib
import importlib
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

from cifarlab.search.tasks import DONE, ELSEWHERE, FAILED, NO_ROOM, Answer, Task, advance, use_threads
from cifarlab.utils.environment import choose_backend
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.machine.processor import usable_cores
from cifarlab.utils.text import counted, duration

if TYPE_CHECKING:
    import pebble

_log = logging.getLogger(__name__)

MOST_DEATHS = 3
"""So often may the process die that does a piece of work, without one more epoch, before the work counts as failed."""
MOST_POOLS = 10
"""So often may the processes die before any has done a piece of work."""
TICK_SECONDS = 1.0


Then = Callable[[Task, Answer], Sequence[Task]]
"""Told of a piece of work and how it ended; gives what is to be done next."""


def nothing_more(task: Task, answer: Answer) -> Sequence[Task]:
    """A `Then` that gives no further work."""
    return ()


class Workers(Protocol):
    """Who does the work: processes of this machine, or of others."""

    def size(self) -> int:
        """How many pieces of work are done at once."""

    def run(
        self, tasks: Sequence[Task], tick: Callable[[], object] = lambda: None, then: Then = nothing_more
    ) -> dict[Task, Answer]:
        """Do all of it; `tick` is called every second or so, and `then` with every answer."""

    def __enter__(self) -> "Workers": ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None: ...


@dataclass
class _Deaths:
    """How often in a row the process died that did a piece of work, without one more epoch.

    So a training fails that takes all memory, and not one that many accidents of the machine befell.
    """

    count: int = 0
    most_epochs: int = 0

    def count_one(self, epochs: int) -> int:
        """One more, after so many epochs; how often in a row."""
        self.count = 1 if epochs > self.most_epochs else self.count + 1
        self.most_epochs = max(epochs, self.most_epochs)
        return self.count


class LocalWorkers:
    """Processes of this machine.

    Args:
        jobs: How many.
        threads: With how many threads each computes.
        max_seconds: The most that one run may train; None for no limit.
        sleep: Waits so many seconds.
    """

    def __init__(
        self,
        jobs: int,
        threads: int = 1,
        max_seconds: float | None = None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._jobs, self._threads, self._max_seconds, self._sleep = jobs, threads, max_seconds, sleep
        self._futures: dict[Future[Answer], Task] = {}  # what is under way
        self._pool: pebble.ProcessPool | None = None
        self._pools = 0  # begun since the last answer

    def __str__(self) -> str:
        return f"{counted(self._jobs, 'process', 'processes')} of {counted(self._threads, 'thread')}"

    def __enter__(self) -> "LocalWorkers":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._close(at_once=kind is not None)

    def _close(self, *, at_once: bool) -> None:
        if self._pool is not None:
            if at_once:  # what is under way is killed: it goes on from its last checkpoint
                self._pool.stop()  # type: ignore[no-untyped-call]
            else:  # a process that is killed leaves semaphores, of which Python would complain at the end
                self._pool.close()  # type: ignore[no-untyped-call]
            self._pool.join()
            self._pool = None

    def size(self) -> int:
        """How many processes."""
        return self._jobs

    def run(
        self, tasks: Sequence[Task], tick: Callable[[], object] = lambda: None, then: Then = nothing_more
    ) -> dict[Task, Answer]:
        """Do all of it; what is done already costs no process.

        Args:
            tasks: The work, none twice.
            tick: Called every second, to show how far it is.
            then: Called with every answer as it comes; what it gives is done too.

        Raises:
            CifarlabError: If files cannot be written.
        """
        answers: dict[Task, Answer] = {}
        waiting = answer_done(tasks, answers, then)
        deaths: dict[Task, _Deaths] = collections.defaultdict(_Deaths)
        futures = self._futures = dict[Future[Answer], Task]()
        try:
            while waiting or futures:
                for task in waiting:
                    futures[self._start(task)] = task
                waiting = []
                done, _ = concurrent.futures.wait(futures, TICK_SECONDS, FIRST_COMPLETED)
                is_elsewhere = False
                for future in done:
                    task = futures.pop(future)
                    answer = self._collect(future, task, deaths[task])
                    is_elsewhere |= answer is not None and answer.ended == ELSEWHERE
                    if answer is None or answer.ended == ELSEWHERE:
                        waiting.append(task)
                    elif answer.ended == NO_ROOM:
                        raise CifarlabError(f"{answer.reason}; then give the same command again")
                    else:
                        answers[task] = answer
                        waiting += answer_done(then(task, answer), answers, then)
                        self._pools = 0
                if is_elsewhere:
                    self._sleep(TICK_SECONDS)  # another study's process has it: asked again at once, it would say so
                tick()
        finally:
            for future in futures:
                future.cancel()
        return answers

    def _start(self, task: Task) -> "Future[Answer]":
        if self._pool is None or not self._pool.active:  # Pebble gives up where a process dies that has no work yet
            import pebble

            if self._pool is not None:
                _log.warning("a process that had no work yet died; others begin, and nothing is lost")
            self._close(at_once=True)
            for other in self._futures:  # those of which the pool had not taken notice yet would wait for ever
                with contextlib.suppress(concurrent.futures.InvalidStateError):  # done
                    other.set_exception(BrokenProcessPool())
            self._pools += 1
            if self._pools > MOST_POOLS:
                raise CifarlabError("the processes that train die as soon as they start; is there memory for --jobs?")
            self._pool = pebble.ProcessPool(
                self._jobs, context=get_context("spawn"), initializer=_begin, initargs=(self._threads, os.getpid())
            )
        left = None if self._max_seconds is None else max(1.0, self._max_seconds - seconds_of(task))
        future: Future[Answer] = self._pool.schedule(advance, args=(task,), timeout=left)
        return future

    def _collect(self, future: "Future[Answer]", task: Task, deaths: "_Deaths") -> Answer | None:
        """The answer; None if its process died and another is to go on."""
        from pebble import ProcessExpired

        try:
            return future.result()
        except concurrent.futures.TimeoutError:
            assert self._max_seconds is not None
            return Answer(FAILED, f"took longer than {duration(self._max_seconds)}")
        except ProcessExpired as error:
            if deaths.count_one(len(task.run.history())) < MOST_DEATHS:
                how = _describe_exit(error.exitcode)
                _log.warning("the process that trained %s died (%s); another one goes on", task.folder.name, how)
                return None
            return Answer(FAILED, f"its process died {MOST_DEATHS} times ({_describe_exit(error.exitcode)})")
        except BrokenProcessPool:  # no training's fault: all go on in other processes
            return None
        except Exception as error:  # noqa: BLE001 - of one training, whatever it is: the study goes on
            return Answer(FAILED, describe_bug(error))


def answer_done(tasks: Sequence[Task], answers: dict[Task, Answer], then: Then) -> list[Task]:
    """Answer what is done already, and what that leads to; gives what is left to do."""
    queue, left = collections.deque(tasks), list[Task]()
    while queue:
        task = queue.popleft()
        if task.is_done():
            answers[task] = Answer(DONE)
            queue.extend(then(task, answers[task]))
        else:
            left.append(task)
    return left


def make_local_workers(jobs: int | None = None, threads: int = 1, max_minutes: float | None = None) -> LocalWorkers:
    """Processes of this machine; by default as many as its cores are enough for."""
    return LocalWorkers(jobs or max(1, cores() // threads), threads, None if max_minutes is None else 60 * max_minutes)


def cores() -> int:
    """How many this process may use."""
    return usable_cores()


def _begin(threads: int, parent: int) -> None:
    """In a worker, before anything is loaded."""
    use_threads(threads)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the one that watches ends the others
    with contextlib.suppress(OSError):  # where memory ends, the kernel ends a worker first, and not who watches
        Path("/proc/self/oom_score_adj").write_text("500")
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    # Keras before any work: the limit of a training's time is not about it, and a process that dies here fails none.
    choose_backend()
    importlib.import_module("cifarlab.training.fit")


def _end_with(parent: int) -> None:
    """End this process soon after its parent, however that ended: nobody waits for the answer any more."""
    while os.getppid() == parent:
        time.sleep(TICK_SECONDS)
    os._exit(1)


def describe_bug(error: BaseException) -> str:
    """What a training raised that no training should."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"


def seconds_of(task: Task) -> float:
    """How long a run has been trained."""
    return sum(row.get("epoch_seconds", 0.0) for row in task.run.history()) if task.folder.is_dir() else 0.0


def _describe_exit(code: int | None) -> str:
    if code is not None and code < 0:
        name = signal.Signals(-code).name
        return f"{name}, as when memory runs out" if name == "SIGKILL" else name
    return f"exit code {code}"
