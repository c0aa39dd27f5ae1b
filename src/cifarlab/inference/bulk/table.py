"""Predictions as lines of CSV, the same wherever they are written."""

import csv
import io
from collections.abc import Iterable

from cifarlab.inference.prediction import PicturePrediction


def header(places: int, *, with_tta: bool) -> str:
    """The first line, with its end.

    Args:
        places: How many classes are named of each picture.
        with_tta: Whether a column names the test-time augmentation.
    """
    named = [f"{key}_{place}" for place in range(1, places + 1) for key in ("class", "probability")]
    return _lines([["image", *(["tta"] if with_tta else []), *named]])


def lines(answers: Iterable[PicturePrediction]) -> str:
    """A line a picture, each with its end; a picture's test-time augmentation stands in it where there is one."""
    return _lines(
        [
            answer.image,
            *([answer.tta] if answer.tta else []),
            *(cell for guess in answer.top for cell in (guess.class_name, f"{guess.probability:.6f}")),
        ]
        for answer in answers
    )


def _lines(rows: Iterable[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
