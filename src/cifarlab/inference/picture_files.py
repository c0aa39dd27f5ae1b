"""The pictures that somebody names: files, folders and standard input, made into what a model takes."""

import os
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.images import PictureError, find_pictures, read_image, say_left_out, to_grey

STANDARD_INPUT = "-"


def expand_pictures(pictures: Sequence[str | os.PathLike[str]]) -> list[str]:
    """Files as they are, folders as the pictures in and below them, sorted, `"-"` once.

    That a file is missing, or that a folder holds none, which is then returned itself, is found when it is read.

    Raises:
        CifarlabError: If there are none, or standard input is named twice.
    """
    paths: list[str] = []
    for picture in [os.fspath(picture) for picture in pictures]:
        if picture == STANDARD_INPUT and picture in paths:
            raise CifarlabError("standard input ('-') holds one picture and can be read once only")
        if picture == STANDARD_INPUT or not Path(picture).is_dir():
            paths.append(picture)
        else:
            paths.extend([str(path) for path in find_pictures(Path(picture))[0]] or [picture])
    if not paths:
        raise CifarlabError("no pictures given: expected files, folders, or - for standard input")
    return paths


def count_left_out(pictures: Sequence[str | os.PathLike[str]]) -> Counter[str]:
    """How many files in and below those of `pictures` that are folders are no pictures by their ending, by ending."""
    folders = [Path(picture) for picture in pictures if picture != STANDARD_INPUT]
    return sum((find_pictures(folder)[1] for folder in folders if folder.is_dir()), Counter())


def read_pictures(
    paths: Sequence[str], image_shape: tuple[int, int, int]
) -> tuple[NDArray[np.uint8], list[int], list[PictureError]]:
    """Every picture that can be read, as a model takes it.

    Args:
        paths: N files, at least one; `"-"` is standard input.
        image_shape: Height, width (the same) and channels (1 or 3) wanted.

    Returns:
        `(M, H, W, C)` uint8; M numbers in `paths`, which these are; and why the N - M others cannot be read.

    Raises:
        CifarlabError: As `check_shape`.
    """
    check_shape(image_shape)
    height, _, channels = image_shape
    images = np.empty((len(paths), *image_shape), np.uint8)  # the good ones from the front on, without gaps
    rows: list[int] = []
    errors: list[PictureError] = []
    for row, path in enumerate(paths):
        try:
            images[len(rows)] = _read_picture(path, height, channels)
            rows.append(row)
        except PictureError as error:
            errors.append(error)
    return images[: len(rows)], rows, errors


def check_shape(image_shape: tuple[int, int, int]) -> None:
    """Make sure that pictures can be made into what a model takes.

    Raises:
        CifarlabError: If its height is not its width, or it takes neither grey nor coloured images.
    """
    height, width, channels = image_shape
    if height != width:
        raise CifarlabError(f"the model takes {height} x {width} images: only square ones can be made of pictures")
    if channels not in (1, 3):
        raise CifarlabError(f"the model takes images of {channels} channels: pictures have 1 or 3")


def _read_picture(path: str, size_pixels: int, channels: int) -> NDArray[np.uint8]:
    """`(size_pixels, size_pixels, channels)` uint8."""
    if path == STANDARD_INPUT:
        rgb = read_image(sys.stdin.buffer, size_pixels, name="standard input")
    else:
        if not Path(path).exists():
            expected = "expected a file, a folder, or - for standard input"
            raise PictureError(path, "no such file", expected, "access")
        if Path(path).is_dir():
            left_out = find_pictures(Path(path))[1]
            others = f" ({say_left_out(left_out)})" if left_out else ""
            expected = "expected PNG, JPEG, WebP or other picture files in it"
            raise PictureError(path, f"there are no pictures in it{others}", expected, "access")
        rgb = read_image(Path(path), size_pixels)
    return rgb if channels == 3 else to_grey(rgb)
