"""Predictions as a service: a few models in memory, each with one thread that answers in batches what waits for it.

What waits is bounded: more is refused at once, so that whoever is accepted is answered soon.
"""

import asyncio
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import numpy as np
from numpy.typing import NDArray

from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.images import Pixels
from cifarlab.utils.machine.processor import usable_cores
from cifarlab.web.metrics import Metrics
from cifarlab.web.predictions.batcher import Batcher, Busy
from cifarlab.web.predictions.model_store import ModelStore

MOST_MODELS = 4
"""Models kept in memory; the one that was not asked for longest goes first."""


class InferenceService:
    """Answers requests for predictions; made for one event loop and many waiting requests."""

    def __init__(
        self,
        store: ModelStore,
        metrics: Metrics,
        *,
        queue_size: int,
        request_seconds: float,
        most_models: int = MOST_MODELS,
    ) -> None:
        """Nothing is loaded yet.

        Args:
            store: Which models there are, and how to load them.
            metrics: What is counted.
            queue_size: Most requests at once, and most pictures that wait for one model.
            request_seconds: How long a request may wait for its answer.
            most_models: How many stay in memory.
        """
        self.store = store
        self.request_seconds = request_seconds
        self._metrics = metrics
        self._queue_size = queue_size
        self._most_models = most_models
        self._batchers: OrderedDict[str, Batcher] = OrderedDict()
        self._lock = threading.Lock()
        self._inside = 0  # requests; only the event loop touches it, so it needs no lock
        # As many pictures are decoded at once as there are cores, so that large ones do not fill the memory.
        self.decoders = ThreadPoolExecutor(usable_cores(), thread_name_prefix="decoder")
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
        batcher = self._batcher(name)
        if not batcher.loaded.done():
            # Shielded: a request that is cancelled would cancel the future, for which others wait too.
            await asyncio.shield(asyncio.wrap_future(batcher.loaded))
        batcher.loaded.result()
        return batcher

    async def predict(self, batcher: Batcher, pictures: Pixels) -> NDArray[np.float64]:
        """How probable a model finds each class.

        Args:
            batcher: From `open_model`.
            pictures: `(N, H, W, C)` uint8, as the model takes them.

        Returns:
            `(N, K)` float64, rows sum to 1.

        Raises:
            Busy: If too many pictures wait for the model already.
            CifarlabError: If the model gives NaN or infinity.
        """
        logits = await batcher.submit(pictures)
        if not np.isfinite(logits).all():
            raise CifarlabError(f"the model {batcher.model} gives NaN or infinity: its training went wrong")
        return batcher.loaded_model.probabilities(logits)

    def start_loading(self) -> None:
        """Load the first model in the background, so that the first request finds it."""
        names = self.store.names()
        if names:
            self._batcher(names[0])

    @property
    def is_ready(self) -> bool:
        """Whether a model is in memory and answers, or there is none to be loaded."""
        with self._lock:
            batchers = list(self._batchers.values())
        return any(batcher.has_loaded for batcher in batchers) or not self.store.names()

    def engine(self, name: str) -> str | None:
        """What computes a model's answers; None where it is not in memory."""
        with self._lock:
            batcher = self._batchers.get(name)
        return batcher.loaded_model.engine if batcher is not None and batcher.has_loaded else None

    def stop(self) -> None:
        """Accept nothing more, answer what was accepted, and end the threads."""
        with self._lock:
            self._stopping = True
            batchers = list(self._batchers.values())
        for batcher in batchers:
            batcher.stop()
        end = time.monotonic() + self.request_seconds  # for all of them together
        for batcher in batchers:
            if batcher.owes_answers:  # else it only loads, which cannot be interrupted
                batcher.join(max(0.0, end - time.monotonic()))
        self.decoders.shutdown(wait=False, cancel_futures=True)

    def _batcher(self, name: str) -> Batcher:
        """The thread of a model as it is on disk now."""
        version = self.store.version(name)  # before the lock: it asks the disk
        with self._lock:
            batcher = self._batchers.get(name)
            if batcher is not None and batcher.version == version and not batcher.has_crashed:
                self._batchers.move_to_end(name)  # the last to go
                return batcher
            if self._stopping:
                raise Busy("the server stops", 5)
            if batcher is not None:  # the model was trained anew, or its loading crashed
                self._batchers.pop(name).stop()
            # Put away, not killed: its thread first answers what it has accepted, and is one more for a moment.
            while len(self._batchers) >= self._most_models:
                self._batchers.popitem(last=False)[1].stop()
            batcher = Batcher(name, version, partial(self.store.load, name), self._queue_size, self._metrics)
            self._batchers[name] = batcher
            batcher.start()
            return batcher

    def _longest_wait(self) -> int:
        """Whole seconds until what waits now has been answered, as far as can be told; at least 1."""
        with self._lock:
            return max([1, *(math.ceil(batcher.seconds_to_wait) for batcher in self._batchers.values())])
