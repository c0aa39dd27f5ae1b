"""Processes of a Ray cluster that do the work: the same as `LocalWorkers`, on as many machines as there are.

Ray carries tasks to machines and nothing else. What is done is seen from the runs' folders, on a path that all machines
see, so a machine that dies loses nothing but the epochs since the last checkpoint of what it was doing.
"""

import dataclasses
import importlib.util
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from cifarlab.search.ray_cluster import RayWorker, anywhere, connect, environment, light_beacon, living, room
from cifarlab.search.tasks import ELSEWHERE, FAILED, NO_ROOM, Answer, Task
from cifarlab.search.workers import (
    MOST_DEATHS,
    TICK_SECONDS,
    Then,
    answer_done,
    describe_bug,
    nothing_more,
    seconds_of,
)
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.text import counted, duration

MOST_STILLBORN = 5


@dataclasses.dataclass
class _Slot:
    """A worker process somewhere in the cluster.

    Attributes:
        actor: Ray's handle.
        node: The machine's id, once it has begun.
        task: What it does.
        began: When, in seconds of the monotonic clock; and how long that run had been trained before.
    """

    actor: Any
    node: str = ""
    task: Task | None = None
    began: float = 0.0


class RayWorkers:
    """Processes of a Ray cluster, each kept warm.

    Args:
        address: The cluster's, such as `"auto"` or `"ray://head:10001"`; by default `RAY_ADDRESS`, else a cluster of
            this machine alone.
        jobs: How many processes; by default as many as the cluster has room for, also where it grows.
        threads: With how many threads each computes.
        cpus: How many cores each takes; by default one a thread.
        gpus: How many GPUs each takes; a fraction shares one.
        max_seconds: The most that one run may train; None for no limit.

    Raises:
        CifarlabError: If Ray is not installed.
    """

    def __init__(
        self,
        address: str | None = None,
        jobs: int | None = None,
        threads: int = 1,
        cpus: float | None = None,
        gpus: float = 0.0,
        max_seconds: float | None = None,
    ) -> None:
        if importlib.util.find_spec("ray") is None:
            raise CifarlabError("--engine ray needs Ray: pip install 'cifarlab[ray]'")
        self._address, self._jobs, self._threads, self._max_seconds = address, jobs, threads, max_seconds
        self._cpus, self._gpus = float(threads) if cpus is None else cpus, gpus
        self._starting: dict[Any, _Slot] = {}  # by the reference of what it is to answer first
        self._idle: list[_Slot] = []
        self._busy: dict[Any, _Slot] = {}  # by the reference of its answer
        self._is_ours = False  # whether Ray was connected to here, and not by who calls
        self._beacon: Path | None = None
        self._stillborn = 0  # how many processes in a row died before they had begun

    def __str__(self) -> str:
        many = "processes" if self._jobs is None else counted(self._jobs, "process", "processes")
        gpus = f" and {self._gpus:g} GPU" if self._gpus else ""
        return f"{many} of {counted(self._threads, 'thread')} on a Ray cluster, {self._cpus:g} CPU{gpus} each"

    def __enter__(self) -> "RayWorkers":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        import ray

        if self._beacon is not None:
            self._beacon.unlink(missing_ok=True)
            self._beacon = None
        if not ray.is_initialized():
            return
        for slot in [*self._starting.values(), *self._idle, *self._busy.values()]:
            ray.kill(slot.actor)  # what is under way goes on from its last checkpoint
        self._starting, self._idle, self._busy = {}, [], {}
        if self._is_ours:
            ray.shutdown()
            self._is_ours = False

    def size(self) -> int:
        """How many processes, or as many as there is room for now."""
        self._is_ours |= connect(self._address)
        room_here = max(1, room(self._cpus, self._gpus))
        return room_here if self._jobs is None else min(room_here, self._jobs)

    def run(
        self, tasks: Sequence[Task], tick: Callable[[], object] = lambda: None, then: Then = nothing_more
    ) -> dict[Task, Answer]:
        """Do all of it; see `LocalWorkers.run`.

        Raises:
            CifarlabError: If the cluster cannot be reached or has no machine that is large enough, a machine does not
                see the runs' folder, or files cannot be written.
        """
        answers: dict[Task, Answer] = {}
        waiting = answer_done(tasks, answers, then)
        if not waiting:
            return answers
        self._is_ours |= connect(self._address)
        deaths: dict[Task, tuple[int, int]] = {}
        self._beacon = self._beacon or light_beacon(waiting[0].folder.parent)
        while waiting or self._busy:
            self._hire(self._beacon, len(waiting))
            while waiting and self._idle:
                self._give(waiting.pop(0))
            for task, answer in self._collect(deaths):
                if answer is None:
                    waiting.append(task)
                elif answer.ended == NO_ROOM:
                    raise CifarlabError(f"{answer.reason}; then give the same command again")
                else:
                    answers[task] = answer
                    waiting += answer_done(then(task, answer), answers, then)
            tick()
        return answers

    def _hire(self, beacon: Path, waiting: int) -> None:
        """Begin as many processes as there is work and room for."""
        import ray

        there = len(self._starting) + len(self._idle) + len(self._busy)
        room_here = room(self._cpus, self._gpus)
        wanted = min(room_here if self._jobs is None else min(room_here, self._jobs), len(self._busy) + waiting)
        for _ in range(there, wanted):
            options = {
                "num_cpus": self._cpus,
                "num_gpus": self._gpus,
                "max_restarts": 0,
                "runtime_env": {"env_vars": environment(self._threads)},
            }
            actor = ray.remote(RayWorker).options(**options).remote()
            slot = _Slot(actor)
            self._starting[actor.begin.remote(str(beacon), str(Path.cwd()))] = slot

    def _give(self, task: Task) -> None:
        slot = self._idle.pop()
        slot.task, slot.began = task, time.monotonic() - seconds_of(task)
        self._busy[slot.actor.advance.remote(anywhere(task))] = slot

    def _collect(self, deaths: dict[Task, tuple[int, int]]) -> list[tuple[Task, Answer | None]]:
        """What has ended within about a second; no answer where it is to be done again."""
        import ray

        references = [*self._starting, *self._busy]
        done, _ = ray.wait(references, num_returns=1, timeout=TICK_SECONDS) if references else ([], [])
        done, _ = ray.wait(references, num_returns=len(references), timeout=0) if done else ([], [])
        found: list[tuple[Task, Answer | None]] = []
        for reference in done:
            if reference in self._starting:
                self._begun(reference)
            else:
                slot = self._busy.pop(reference)
                task, slot.task = slot.task, None
                assert task is not None
                found.append((task, self._answer(reference, slot, task, deaths)))
        found += self._stop_late()
        if any(answer is None for _, answer in found):
            time.sleep(TICK_SECONDS)  # another process has it, or something has just died
        return found

    def _begun(self, reference: Any) -> None:
        """A process has begun, or died in doing so: then another one is hired."""
        import ray

        slot = self._starting.pop(reference)
        try:
            slot.node, problem = ray.get(reference)
        except ray.exceptions.RayError as error:
            self._stillborn += 1  # its machine may have gone; but where none ever begins, something is wrong with all
            if self._stillborn < MOST_STILLBORN:
                return
            reason = " ".join(str(error).split())[-300:]
            raise CifarlabError(f"the Ray cluster cannot begin a worker, {self._stillborn} tries: {reason}") from error
        self._stillborn = 0
        if problem:
            raise CifarlabError(problem)
        self._idle.append(slot)

    def _answer(self, reference: Any, slot: _Slot, task: Task, deaths: dict[Task, tuple[int, int]]) -> Answer | None:
        """The answer; None if its process died and another is to go on."""
        import ray

        try:
            answer: Answer = ray.get(reference)
        except ray.exceptions.RayTaskError as error:  # of one training, whatever it is: the study goes on
            self._idle.append(slot)
            return Answer(FAILED, describe_bug(error.cause))
        except ray.exceptions.RayError as error:
            return self._died(error, slot, task, deaths)
        self._idle.append(slot)
        return None if answer.ended == ELSEWHERE else answer

    def _died(self, error: Exception, slot: _Slot, task: Task, deaths: dict[Task, tuple[int, int]]) -> Answer | None:
        if slot.node not in living():
            # A machine that goes away is no fault of the training's; what else it did is lost too.
            self._idle = [each for each in self._idle if each.node != slot.node]
            return None
        count, epochs = deaths.get(task, (0, 0))
        now = len(task.run.history()) if task.folder.is_dir() else 0
        deaths[task] = (1 if now > epochs else count + 1, now)
        if deaths[task][0] < MOST_DEATHS:
            return None
        reason = " ".join(str(error).split())
        memory = ", as when memory runs out" if "OutOfMemory" in type(error).__name__ or "SIGKILL" in reason else ""
        return Answer(FAILED, f"its process died {MOST_DEATHS} times ({type(error).__name__}{memory})")

    def _stop_late(self) -> list[tuple[Task, Answer | None]]:
        """End what takes too long, and its process."""
        import ray

        if self._max_seconds is None:
            return []
        late = [
            each for each, slot in self._busy.items() if time.monotonic() - slot.began > max(1.0, self._max_seconds)
        ]
        found: list[tuple[Task, Answer | None]] = []
        for reference in late:
            slot = self._busy.pop(reference)
            ray.kill(slot.actor)
            assert slot.task is not None
            found.append((slot.task, Answer(FAILED, f"took longer than {duration(self._max_seconds)}")))
        return found
