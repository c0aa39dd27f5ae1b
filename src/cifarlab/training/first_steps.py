"""Notes what the weights are after the first steps of a training, at almost no cost: a handful of checksums."""

import hashlib
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from cifarlab.runs.first_steps import Mark
from cifarlab.training.checkpoint import read_variables
from cifarlab.training.engines import Engine
from cifarlab.utils.arrays import Array

STEPS = (0, 1, 2, 4, 8, 16)
"""After which the weights are noted; 0 are the initial ones."""
SAMPLE = 256


class NotingEngine(Engine):
    """An engine that takes the first steps one at a time and notes the weights after some; later ones it hands on.

    Nothing is compiled for it: every training takes its first step alone.

    Args:
        engine: Does the work; no step has been taken.
        steps: How many there will be, at least.
        keep: Called once, with all marks. Not called if the weights become NaN or infinite.
        last: No step after this one is noted.
    """

    def __init__(  # what `Engine` would load, the other engine has loaded
        self, engine: Engine, steps: int, keep: Callable[[tuple[Mark, ...]], object], last: int = STEPS[-1]
    ) -> None:
        self.model, self._engine, self._keep = engine.model, engine, keep
        self._wanted = [step for step in STEPS if step <= min(steps, last)]
        self._marks: list[Mark] = []
        self._done = 0

    def run(self, indices: Array, pixels: int) -> tuple[Array, Array]:
        """One step a row of `indices`, see `Engine.run`."""
        if len(self._marks) == len(self._wanted):
            return self._engine.run(indices, pixels)
        if not self._marks:
            self._note(None)
        results = []
        for row in indices:
            losses, rights = self._engine.run(row[np.newaxis], pixels)
            self._done += 1
            self._note(float(losses.mean(dtype=np.float64)))
            results.append((losses, rights))
        all_losses, all_rights = zip(*results, strict=True)
        return np.concatenate(all_losses), np.concatenate(all_rights)

    def _note(self, loss: float | None) -> None:
        if len(self._marks) == len(self._wanted) or self._done != self._wanted[len(self._marks)]:
            return
        self._engine.synchronise()
        self._marks.append(make_mark(self.model, self._done, loss))
        finite = all(np.isfinite([*mark.sample, mark.loss or 0.0]).all() for mark in self._marks)
        if len(self._marks) == len(self._wanted) and finite:  # else the training ends at once, and says why
            self._keep(tuple(self._marks))

    def put(self, array: Array) -> Any:
        """See `Engine.put`."""
        return self._engine.put(array)

    def forward(self, images: Any) -> Array:
        """See `Engine.forward`."""
        return self._engine.forward(images)

    def logits(self) -> Array:
        """See `Engine.logits`."""
        return self._engine.logits()

    def synchronise(self) -> None:
        """See `Engine.synchronise`."""
        self._engine.synchronise()


def make_mark(model: keras.Model, step: int, loss: float | None) -> Mark:
    """A model's variables as they are now, as a checksum and a sample."""
    digest = hashlib.sha256()
    for value in read_variables(model.variables):
        digest.update(np.ascontiguousarray(value).data)
    weights = read_variables(model.trainable_variables)
    each = max(1, SAMPLE // max(1, len(weights)))
    places = [np.linspace(0, value.size - 1, min(each, value.size)).astype(np.int64) for value in weights]
    sample = [value.ravel()[place] for value, place in zip(weights, places, strict=True)]
    return Mark(step, digest.hexdigest(), tuple(map(float, np.concatenate(sample)[: 2 * SAMPLE])), loss)
