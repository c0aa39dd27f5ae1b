"""Training dynamics: every image's loss and whether it was right, epoch by epoch, and what that tells of the image.

A run keeps them in `dynamics.npz`. Training images are seen as a step met them, augmented and before its
update, with the loss that was minimised; validation images as they are, after the epoch. Test images are never looked
at in training.

Source of the forgetting events: Toneva et al. 2019, arXiv:1812.05159.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifarlab.runs.layout import RunFiles
from cifarlab.utils import files
from cifarlab.utils.array_files import BROKEN_ARCHIVE, open_arrays
from cifarlab.utils.arrays import Array, check_array
from cifarlab.utils.errors import CifarlabError, say_error

FORMAT = 1
SPLITS = ("train", "validation")


def load(run: RunFiles) -> "Dynamics | None":
    """What a run recorded of its images; None where it recorded nothing.

    Raises:
        CifarlabError: If the file is broken.
    """
    return read(run.dynamics_file) if run.dynamics_file.is_file() else None


@dataclass(frozen=True)
class ImageHistory:
    """One image's way through a training.

    Attributes:
        split: `"train"` or `"validation"`.
        losses: One an epoch, in nats; NaN for an epoch in which it was not met.
        correct: One an epoch: whether it was classified right.
        forgetting_events: How often it was right and, when next met, wrong.
        first_learnt: The first epoch in which it was right, from 1; None if it never was.
    """

    split: str
    losses: tuple[float, ...]
    correct: tuple[bool, ...]
    forgetting_events: int
    first_learnt: int | None


@dataclass(frozen=True, eq=False)
class Curves:
    """The images of one split over E epochs.

    Attributes:
        ids: `(N,)` str.
        losses: `(E, N)` float16, in nats, NaN where an image was not met in an epoch: it was in the partial batch that
            is left out, or the epoch was trained before anything was recorded.
        correct: `(E, N)` bool, False where it was not met.
    """

    ids: Array
    losses: NDArray[np.float16]
    correct: NDArray[np.bool_]

    @property
    def met(self) -> NDArray[np.bool_]:
        """`(E, N)`: whether the image was met in the epoch."""
        return ~np.isnan(self.losses)  # `correct` cannot tell: it is False for wrong answers too


@dataclass(frozen=True, eq=False)
class Dynamics:
    """What a training recorded: its training images, and those it held out."""

    train: Curves
    validation: Curves

    def find(self, image_id: str) -> ImageHistory | None:
        """One image's history; None where the training met no image of that id."""
        for split, curves in zip(SPLITS, (self.train, self.validation), strict=True):
            (rows,) = np.nonzero(curves.ids == image_id)
            if len(rows):
                correct, met = curves.correct[:, rows], curves.met[:, rows]  # (E, 1)
                learnt = int(first_learnt(correct)[0])
                return ImageHistory(
                    split, tuple(curves.losses[:, rows[0]].astype(float).tolist()), tuple(correct[:, 0].tolist()),
                    int(forgetting_events(correct, met)[0]), learnt or None,
                )  # fmt: skip
        return None


def forgetting_events(correct: Array, met: Array | None = None) -> NDArray[np.int64]:
    """How often each image was classified right and, when it was next met, wrong.

    Args:
        correct: `(E, N)` bool, one row an epoch.
        met: `(E, N)` bool, whether it was met at all; by default always.

    Returns:
        `(N,)`; 0 also for an image that was never right: see `first_learnt`.

    Source: Toneva et al. 2019, arXiv:1812.05159, section 2.
    """
    # An epoch in which an image was not met tells nothing: what it was before stays, and no event is counted.
    met = np.ones_like(correct, bool) if met is None else met
    before = np.zeros(correct.shape[1], bool)
    events = np.zeros(correct.shape[1], np.int64)
    for now, seen in zip(correct, met, strict=True):
        events += before & seen & ~now
        before = np.where(seen, now, before)
    return events


def first_learnt(correct: Array) -> NDArray[np.int64]:
    """The first epoch in which each image was classified right.

    Args:
        correct: `(E, N)` bool, one row an epoch.

    Returns:
        `(N,)`, from 1; 0 for an image that never was.
    """
    if not len(correct):
        return np.zeros(correct.shape[1], np.int64)
    # `argmax` of booleans is the first True, but 0 also where there is none.
    return np.where(correct.any(axis=0), correct.argmax(axis=0) + 1, 0).astype(np.int64)


def save(path: Path, curves: Iterable[Curves], compress: bool) -> Path:
    """Write the curves of training and validation images, atomically.

    Args:
        path: The file.
        curves: Of `SPLITS`.
        compress: Smaller, and for a long training seconds slower.
    """
    arrays: dict[str, Any] = {"format": np.array(FORMAT)}
    for split, each in zip(SPLITS, curves, strict=True):
        # As bytes, a quarter of the size: NumPy's `U` takes four bytes a letter. Of no ids no length can be told.
        ids = np.strings.encode(each.ids, "utf-8") if len(each.ids) else np.zeros(0, "S1")
        arrays |= {f"{split}/ids": ids, f"{split}/losses": each.losses, f"{split}/right": each.correct}
    write = np.savez_compressed if compress else np.savez
    return files.write_atomically(path, lambda file: write(file, **arrays))


def read(path: Path) -> Dynamics:
    """Read what `save` wrote.

    Raises:
        CifarlabError: If the file is missing, broken or holds something else.
    """
    try:
        with open_arrays(path) as stored:
            if int(stored["format"]) != FORMAT:
                raise ValueError(f"its format is {int(stored['format'])}, expected {FORMAT}")
            return Dynamics(*(_read_curves(stored, split) for split in SPLITS))
    except BROKEN_ARCHIVE as error:
        raise CifarlabError(f"cannot read {path}: {say_error(error)}; remove it to go on without it") from error


def _read_curves(stored: Any, split: str) -> Curves:
    encoded = stored[f"{split}/ids"]
    check_array(encoded.ndim == 1 and encoded.dtype.kind == "S", "ids (N,) bytes", encoded)
    ids = np.strings.decode(encoded, "utf-8") if len(encoded) else np.zeros(0, "U1")
    losses, correct = stored[f"{split}/losses"], stored[f"{split}/right"]
    if losses.ndim != 2 or losses.shape != correct.shape or losses.shape[1:] != ids.shape:
        raise ValueError(f"{split} has {len(ids):,} ids, losses of shape {losses.shape} and answers of {correct.shape}")
    check_array(losses.dtype.kind == "f", "losses, numbers", losses)
    check_array(correct.dtype == bool, "answers, true or false", correct)
    return Curves(ids, losses.astype(np.float16), correct.astype(bool))
