"""Predictions as a service: a few models in memory, each with one thread that answers in batches what waits for it.

What waits is bounded: more is refused at once, so that whoever is accepted is answered soon.
"""

import asyncio
import math
import os
import threading
from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import numpy as np
from numpy.typing import NDArray

from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.images import Pixels
from cifarlab.web.metrics import Metrics
from cifarlab.web.predictions.batcher import Batcher, Busy
from cifarlab.web.predictions.model_store import ModelStore

MOST_MODELS = 4
"""Models kept in memory; the one that was not asked for longest goes first."""


class InferenceService:
    """Answers requests for predictions; made for one event loop and many waiting requests."""

    def __init__(
        self,
        shelf: ModelStore,
        metrics: Metrics,
        *,
        queue_size: int,
        request_seconds: float,
        most_models: int = MOST_MODELS,
    ) -> None:
        """Nothing is loaded yet.

        Args:
            shelf: Which models there are, and how to load them.
            metrics: What is counted.
            queue_size: Most requests at once, and most pictures that wait for one model.
            request_seconds: How long a request may wait for its answer.
            most_models: How many stay in memory.
        """
        self.shelf = shelf
        self.request_seconds = request_seconds
        self._metrics = metrics
        self._queue_size = queue_size
        self._most_models = most_models
        self._workers: OrderedDict[str, Batcher] = OrderedDict()
        self._lock = threading.Lock()
        self._inside = 0
        # As many pictures are decoded at once as there are cores, so that large ones do not fill the memory.
        self.decoders = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="decoder")
        self._stopping = False

    @property
    def is_stopping(self) -> bool:
        """Whether nothing new is accepted any more."""
        return self._stopping

    @contextmanager
    def admission(self) -> Iterator[None]:
        """One of the places for a request, from before its body is read until it is answered.

        Raises:
            Busy: If all are taken, or the service stops.
        """
        if self._stopping:
            raise Busy("the server stops", 5)
        if self._inside >= self._queue_size:
            self._metrics.refused.inc()
            raise Busy("too many requests at once", self._longest_wait())
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1

    async def open_model(self, name: str) -> Batcher:
        """The thread of the model of that name, loaded if it is not in memory; loading outlives a caller who leaves.

        Raises:
            UnknownModel: If there is none.
            CifarlabError: If it cannot be loaded.
        """
        worker = self._worker(name)
        if not worker.loaded.done():
            await asyncio.shield(asyncio.wrap_future(worker.loaded))
        worker.loaded.result()
        return worker

    async def predict(self, worker: Batcher, pictures: Pixels) -> NDArray[np.float64]:
        """How probable a model finds each class.

        Args:
            worker: From `open_model`.
            pictures: `(N, H, W, C)` uint8, as the model takes them.

        Returns:
            `(N, K)` float64, rows sum to 1.

        Raises:
            Busy: If too many pictures wait for the model already.
            CifarlabError: If the model gives NaN or infinity.
        """
        logits = await worker.submit(pictures)
        if not np.isfinite(logits).all():
            raise CifarlabError(f"the model {worker.model} gives NaN or infinity: its training went wrong")
        return worker.served.probabilities(logits)

    def start_loading(self) -> None:
        """Load the first model in the background, so that the first request finds it."""
        names = self.shelf.names()
        if names:
            self._worker(names[0])

    @property
    def is_ready(self) -> bool:
        """Whether a model is in memory and answers, or there is none to be loaded."""
        with self._lock:
            workers = list(self._workers.values())
        return any(worker.has_loaded for worker in workers) or not self.shelf.names()

    def is_loaded(self, name: str) -> bool:
        """Whether a model is in memory and answers."""
        return self.engine(name) is not None

    def engine(self, name: str) -> str | None:
        """What computes a model's answers; None where it is not in memory."""
        with self._lock:
            worker = self._workers.get(name)
        return worker.served.engine if worker is not None and worker.has_loaded else None

    def stop(self) -> None:
        """Accept nothing more, answer what was accepted, and end the threads."""
        with self._lock:
            self._stopping = True
            workers = list(self._workers.values())
        for worker in workers:
            worker.stop()
        for worker in workers:
            if worker.owes_answers:  # else it only loads, which cannot be interrupted
                worker.join(self.request_seconds)
        self.decoders.shutdown(wait=False)

    def _worker(self, name: str) -> Batcher:
        """The thread of a model as it is on disk now."""
        version = self.shelf.version(name)
        with self._lock:
            worker = self._workers.get(name)
            if worker is not None and worker.version == version and not worker.has_crashed:
                self._workers.move_to_end(name)
                return worker
            if self._stopping:
                raise Busy("the server stops", 5)
            if worker is not None:  # the model was trained anew, or its loading crashed
                self._workers.pop(name).stop()
            while len(self._workers) >= self._most_models:
                self._workers.popitem(last=False)[1].stop()
            worker = Batcher(name, version, partial(self.shelf.load, name), self._queue_size, self._metrics)
            self._workers[name] = worker
            worker.start()
            return worker

    def _longest_wait(self) -> int:
        """Whole seconds until what waits now has been answered, as far as can be told; at least 1."""
        with self._lock:
            return max([1, *(math.ceil(worker.seconds_to_wait) for worker in self._workers.values())])
