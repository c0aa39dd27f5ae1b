"""A run's model, loaded once, that classifies pictures piece by piece."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cifarlab.inference.bulk import table
from cifarlab.inference.bulk.remote import read_pictures_anywhere
from cifarlab.inference.forward import apply_in_batches, compile_forward
from cifarlab.inference.onnx_files import is_file, open_file
from cifarlab.inference.prediction import (
    PicturePrediction,
    best_classes,
    check_fits,
    class_names,
    input_shape,
    load_model,
    temperature_of,
)
from cifarlab.inference.temperature import scale
from cifarlab.inference.tta import averaged
from cifarlab.runs.layout import NO_TTA
from cifarlab.runs.predictions import Predictions
from cifarlab.utils.arrays import number_rows
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.images import PictureError
from cifarlab.utils.text import readable

BATCH = 256


@dataclass(frozen=True)
class Question:
    """What is asked of pictures; plain values, so that it travels.

    Attributes:
        model: A run's folder, or `"builtin"`.
        top: How many classes to name.
        tta: Name of the test-time augmentation.
        code: The user's own Python files that the run may need.
    """

    model: str
    top: int = 3
    tta: str = NO_TTA
    code: tuple[str, ...] = ()

    def header(self) -> str:
        """The first line of the table."""
        return table.header(min(self.top, len(class_names(self.model))), with_tta=self.tta != NO_TTA)


@dataclass(frozen=True)
class Piece:
    """The answer about some pictures, one after the other.

    Attributes:
        lines: The table's lines about those that could be read.
        unreadable: Why the others could not.
        pictures: How many they are together.
    """

    lines: str
    unreadable: tuple[PictureError, ...]
    pictures: int


class Classifier:
    """Answers a question about pictures. Loads Keras and the model.

    Args:
        question: Which.

    Raises:
        CifarlabError: If the run has no usable model.
    """

    def __init__(self, question: Question) -> None:
        self._question = question
        self._names = class_names(question.model)
        quick = open_file(question.model).network if is_file(question.model) else None
        model = quick or load_model(question.model, question.code)
        self._shape = input_shape(model)
        check_fits(model, self._shape, len(self._names))
        forward = quick.forward if quick else compile_forward(model)
        self._forward = averaged(forward, question.tta)  # compiled once, for batches of one size
        self._temperature = temperature_of(question.model, question.tta)

    def classify(self, paths: Sequence[str | os.PathLike[str]]) -> Piece:
        """Name the classes of some pictures, at most `BATCH` at once.

        Args:
            paths: Files or URLs.

        Raises:
            CifarlabError: If the model gives NaN or infinity.
        """
        names = [os.fspath(path) for path in paths]
        images, rows, errors = read_pictures_anywhere(names, self._shape)
        if not rows:
            return Piece("", tuple(errors), len(names))
        # Filled up, so that every batch has one size: nothing is compiled twice, and sums are made in one order.
        filled = np.zeros((max(BATCH, len(rows)), *self._shape), np.uint8)
        filled[: len(rows)] = images
        logits = apply_in_batches(self._forward, filled, BATCH)[: len(rows)]
        broken = np.flatnonzero(~np.isfinite(logits).all(axis=1))
        if len(broken):
            raise CifarlabError(
                f"the model gives NaN or infinity for {names[rows[broken[0]]]}: its training went wrong; train again "
                "with a lower learning rate"
            )
        labels = np.zeros(len(rows), np.int64)  # unknown
        scaled = scale(Predictions(number_rows(len(rows)), labels, logits, self._names), self._temperature)
        named = None if self._question.tta == NO_TTA else self._question.tta
        answers = zip(rows, best_classes(scaled.probabilities, self._names, self._question.top), strict=True)
        told = table.lines(PicturePrediction(readable(names[row]), named, best) for row, best in answers)
        return Piece(told, tuple(errors), len(names))
