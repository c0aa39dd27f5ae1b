"""One model's thread: it takes what waits, puts it together into a batch, and answers all of it at once."""

import asyncio
import contextlib
import math
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.images import Pixels
from cifarlab.web.metrics import Metrics
from cifarlab.web.predictions.model_store import LoadedModel

BATCH_SIZES = (1, 2, 4, 8, 16, 32)
"""Where a model is compiled for each size, batches are filled up to one of these; the last is the most everywhere."""

Logits = NDArray[np.float32]


class Busy(CifarlabError):
    """Refused because too much waits already; worth another try after `seconds`."""

    def __init__(self, message: str, seconds: int) -> None:
        super().__init__(f"{message}: try again in {seconds} s")
        self.seconds = seconds


class Batcher(threading.Thread):
    """Loads a model, then answers until it is told to stop and nothing waits any more."""

    def __init__(
        self, name: str, version: Any, load: Callable[[], LoadedModel], queue_size: int, metrics: Metrics
    ) -> None:
        """Not started yet.

        Args:
            name: The model's.
            version: What tells this model from one that is trained anew under its name.
            load: Called in the thread.
            queue_size: Most pictures that may wait.
            metrics: What is counted.
        """
        super().__init__(name=f"model {name}", daemon=True)
        self.loaded: Future[LoadedModel] = Future()
        self.version = version
        self.model = name
        self._load = load
        self._queue_size = queue_size
        self._metrics = metrics
        self._jobs: deque[_Job] = deque()
        self._waiting = 0  # pictures, not jobs; this and `_jobs` change under `_changed` alone
        self._seconds_per_picture = 0.0
        self._stopping = False
        self._gathering: asyncio.AbstractEventLoop | None = None  # the loop that still brings more
        self._changed = threading.Condition()
        self._shown = metrics.waiting.labels(name)

    @property
    def has_loaded(self) -> bool:
        """Whether the model answers."""
        return self.loaded.done() and not self.has_failed

    @property
    def has_failed(self) -> bool:
        """Whether the model could not be loaded."""
        return self.loaded.done() and self.loaded.exception() is not None

    @property
    def has_crashed(self) -> bool:
        """Whether loading failed for another reason than the model's files, which stay as they are."""
        return self.has_failed and not isinstance(self.loaded.exception(), CifarlabError)

    @property
    def loaded_model(self) -> LoadedModel:
        """The model, once it has been loaded."""
        return self.loaded.result()

    @property
    def owes_answers(self) -> bool:
        """Whether somebody may wait for it: always, but while it loads and nobody has asked."""
        return self.loaded.done() or self._waiting > 0

    @property
    def seconds_to_wait(self) -> float:
        """How long what waits now will take, by the last batches."""
        return self._waiting * self._seconds_per_picture

    def submit(self, pictures: Pixels) -> asyncio.Future[Logits]:
        """Put pictures into the queue; called on the event loop.

        Args:
            pictures: `(N, H, W, C)` uint8, N at least 1.

        Returns:
            What will be `(N, K)` float32. It may be cancelled while it waits.

        Raises:
            Busy: If too many wait already, or the thread stops.
        """
        # The future belongs to the caller's loop, and only that loop may settle it: see `_hand_over`.
        job = _Job(pictures, asyncio.get_running_loop().create_future())
        with self._changed:
            if self._stopping:
                raise Busy(f"the model {self.model} is being put away", 1)
            # Alone, a request may be larger than the queue.
            if self._waiting and self._waiting + len(pictures) > self._queue_size:
                self._metrics.refused.inc()
                raise Busy(f"{self._waiting} pictures wait already", max(1, math.ceil(self.seconds_to_wait)))
            self._jobs.append(job)
            self._waiting += len(pictures)
            self._shown.set(self._waiting)
        loop = job.answer.get_loop()
        if self._gathering is not loop:
            self._gathering = loop
            loop.call_soon(self._gather, loop, 0)
        return job.answer

    def _gather(self, loop: asyncio.AbstractEventLoop, before: int) -> None:
        """Wake the thread once a turn of the event loop has brought nothing more.

        What comes together is answered together. Of 16 clients' requests two made a batch; now eleven do, and a dense
        network, whose weights are read once a batch, takes a fifth of the processor time for each picture.
        """
        with self._changed:
            if before < self._waiting < BATCH_SIZES[-1]:
                loop.call_soon(self._gather, loop, self._waiting)
            else:
                self._gathering = None
                self._changed.notify()

    def stop(self) -> None:
        """Accept nothing more; what was accepted is answered first."""
        with self._changed:
            self._stopping = True
            self._changed.notify()

    def run(self) -> None:
        """The thread itself."""
        try:
            model = self._load()
            warm_up(model)
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must be told
            self._fail(error)
            return
        self.loaded.set_result(model)
        in_memory = self._metrics.in_memory.labels(self.model, model.engine)
        in_memory.inc()
        while (jobs := self._take()) is not None:
            if jobs:
                self._answer(model, jobs)
        in_memory.dec()

    def _take(self) -> list["_Job"] | None:
        """Wait for jobs and take as many as fit into the largest batch; None when it is time to end."""
        with self._changed:
            while not self._stopping and (self._gathering is not None or not self._jobs):
                self._changed.wait()
            if not self._jobs:
                return None
            taken: list[_Job] = []
            count = 0
            # Whole jobs only, so that a request is answered by one batch; a job alone may be larger than a batch.
            while self._jobs and (not taken or count + len(self._jobs[0].pictures) <= BATCH_SIZES[-1]):
                job = self._jobs.popleft()
                self._waiting -= len(job.pictures)
                if not job.answer.cancelled():  # who has gone needs no answer
                    taken.append(job)
                    count += len(job.pictures)
            self._shown.set(self._waiting)
            return taken

    def _answer(self, model: LoadedModel, jobs: list["_Job"]) -> None:
        pictures = np.concatenate([job.pictures for job in jobs]) if len(jobs) > 1 else jobs[0].pictures
        began = time.perf_counter()
        try:
            logits = run_in_batches(model, pictures)
        except Exception as error:  # noqa: BLE001 - the thread must outlive a failed batch
            _hand_over([(job.answer, error) for job in jobs])
            return
        seconds = time.perf_counter() - began
        # A moving average over about ten batches: one slow batch must not send everybody away for long.
        self._seconds_per_picture += 0.1 * (seconds / len(pictures) - self._seconds_per_picture)
        self._metrics.count_batch(self.model, len(pictures), seconds)
        ends = np.cumsum([len(job.pictures) for job in jobs])  # (jobs,): where each one's rows of the logits end
        parts = np.split(logits, ends[:-1])
        _hand_over([(job.answer, part) for job, part in zip(jobs, parts, strict=True)])

    def _fail(self, error: Exception) -> None:
        # First closed, then emptied, under one lock: a job put in between would wait for ever.
        with self._changed:
            self._stopping = True
            jobs, self._waiting = list(self._jobs), 0
            self._jobs.clear()
        self.loaded.set_exception(error)
        _hand_over([(job.answer, error) for job in jobs])


@dataclass(eq=False)
class _Job:
    pictures: Pixels
    answer: asyncio.Future[Logits]


_Outcome = tuple[asyncio.Future[Logits], Logits | Exception]


def _hand_over(outcomes: list[_Outcome]) -> None:
    """Tell those who wait. A loop is woken once for all: each time, this thread would wait for its turn in Python."""
    for loop in {answer.get_loop() for answer, _ in outcomes}:
        own = [outcome for outcome in outcomes if outcome[0].get_loop() is loop]
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits any more
            loop.call_soon_threadsafe(_settle, own)


def _settle(outcomes: list[_Outcome]) -> None:
    for answer, outcome in outcomes:
        if answer.cancelled():
            continue
        if isinstance(outcome, Exception):
            answer.set_exception(outcome)
        else:
            answer.set_result(outcome)


def run_in_batches(model: LoadedModel, pictures: Pixels) -> Logits:
    """The logits of any number of pictures, by batches of at most the largest size, and of the few that are compiled.

    Args:
        model: Whose `forward` is called.
        pictures: `(N, H, W, C)` uint8, N at least 1.

    Returns:
        `(N, K)` float32.
    """
    parts = []
    for start in range(0, len(pictures), BATCH_SIZES[-1]):
        batch = pictures[start : start + BATCH_SIZES[-1]]
        size = len(batch) if model.takes_any_number else next(size for size in BATCH_SIZES if size >= len(batch))
        if size > len(batch):  # else the compiler would work while a request waits
            filled = np.zeros((size, *batch.shape[1:]), np.uint8)  # black pictures, whose answers are thrown away
            filled[: len(batch)] = batch
            parts.append(model.forward(filled)[: len(batch)])
        else:
            parts.append(model.forward(batch))
    return np.concatenate(parts) if len(parts) > 1 else parts[0]


def warm_up(model: LoadedModel) -> None:
    """Compile the model for every size of batch, so that no request waits for it."""
    for size in BATCH_SIZES:
        model.forward(np.zeros((size, *model.image_shape), np.uint8))
