"""What a training notes of each image as it goes: see `cifarlab.runs.training_dynamics`."""

import numpy as np

from cifarlab.datasets import ImageSet, Splits
from cifarlab.runs import Run, training_dynamics
from cifarlab.runs.predictions import Predictions
from cifarlab.runs.training_dynamics import Curves
from cifarlab.utils.arrays import Array
from cifarlab.utils.errors import CifarlabError

LARGEST = float(np.finfo(np.float16).max)


class Recorder:
    """Every training and validation image's loss and whether it was right, for each epoch.

    It is written before the checkpoint. So after a kill it holds the checkpoint's epochs at least, and those that a
    resumed training repeats are written again, the same.
    """

    def __init__(self, splits: Splits, epochs: int) -> None:
        """Nothing is known yet of any of so many epochs, for which room is made as they come: they may be too many."""
        self._train = _empty(splits.train)
        self._validation = _empty(splits.validation)
        self._epochs = epochs

    def restore(self, run: Run, epochs: int) -> None:
        """Take over what a stopped run recorded; epochs that it did not record stay unknown.

        Raises:
            CifarlabError: If the file is broken or about other images.
        """
        known = training_dynamics.load(run)
        if known is None:
            return
        self._make_room(epochs)
        for ours, theirs in ((self._train, known.train), (self._validation, known.validation)):
            if not np.array_equal(ours.ids, theirs.ids):
                raise CifarlabError(f"{run.dynamics_file} is about other images: remove it to go on without it")
            count = min(epochs, len(theirs.losses))
            ours.losses[:count] = theirs.losses[:count]
            ours.correct[:count] = theirs.correct[:count]

    def add(self, epoch: int, rows: Array, losses: Array, rights: Array, predictions: Predictions | None) -> None:
        """Note an epoch.

        Args:
            epoch: From 1.
            rows: `(S, B)` int, which image each is; from N on, mirrored.
            losses: `(S, B)` float, as minimised.
            rights: `(S, B)` bool.
            predictions: On validation, after the epoch; None where nothing is held out.
        """
        self._make_room(epoch)
        # Those in the partial batch that is left out are in no row: they keep NaN, which means not met.
        images = rows.ravel() % len(self._train.ids)
        self._train.losses[epoch - 1, images] = _half(losses.ravel())
        self._train.correct[epoch - 1, images] = rights.ravel()
        if predictions is not None:
            self._validation.losses[epoch - 1] = _half(predictions.losses)
            self._validation.correct[epoch - 1] = predictions.correct

    def write(self, run: Run, epochs: int) -> None:
        """Write the first epochs into the run, compressed after the last: zip costs more than to train small nets."""
        self._make_room(epochs)
        both = (self._train, self._validation)
        parts = [Curves(each.ids, each.losses[:epochs], each.correct[:epochs]) for each in both]
        training_dynamics.save(run.dynamics_file, parts, compress=epochs == self._epochs)

    def _make_room(self, epochs: int) -> None:
        self._train, self._validation = (_longer(each, epochs) for each in (self._train, self._validation))


def _empty(images: ImageSet) -> Curves:
    return Curves(images.ids, np.empty((0, len(images)), np.float16), np.empty((0, len(images)), bool))


def _longer(curves: Curves, epochs: int) -> Curves:
    """The same with room for so many epochs; where it takes more, for twice as many as there were, to copy seldom."""
    missing = epochs - len(curves.losses)
    if missing <= 0:
        return curves
    shape = (max(missing, len(curves.losses)), len(curves.ids))
    return Curves(
        curves.ids,
        np.concatenate([curves.losses, np.full(shape, np.nan, np.float16)]),
        np.concatenate([curves.correct, np.zeros(shape, bool)]),
    )


def _half(losses: Array) -> Array:
    """As float16; what is too large for it becomes the largest there is."""
    return np.minimum(losses, LARGEST).astype(np.float16)
