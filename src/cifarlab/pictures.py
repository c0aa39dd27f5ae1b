"""The pictures that somebody names: files, folders and standard input, made into what a model takes."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cifarlab.errors import CifarlabError
from cifarlab.images import list_pictures, read_image, to_grey

STANDARD_INPUT = "-"


def expand_pictures(pictures: Sequence[str | os.PathLike[str]]) -> list[str]:
    """Files as they are, folders as the pictures in and below them, sorted, `"-"` once.

    Raises:
        CifarlabError: If there are none, one is missing, a folder holds none, or standard input is named twice.
    """
    paths: list[str] = []
    for picture in [os.fspath(picture) for picture in pictures]:
        if picture == STANDARD_INPUT and picture in paths:
            raise CifarlabError("standard input ('-') holds one picture and can be read once only")
        if picture == STANDARD_INPUT or not Path(picture).is_dir():
            if picture != STANDARD_INPUT and not Path(picture).exists():
                raise CifarlabError(f"no picture at {picture}: expected a file, a folder, or - for standard input")
            paths.append(picture)
        else:
            paths.extend(_pictures_below(Path(picture)))
    if not paths:
        raise CifarlabError("no pictures given: expected files, folders, or - for standard input")
    return paths


def read_pictures(paths: Sequence[str], image_shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Every picture as a model takes it.

    Args:
        paths: N files, at least one; `"-"` is standard input.
        image_shape: Height, width (the same) and channels (1 or 3) wanted.

    Returns:
        `(N, H, W, C)` uint8.

    Raises:
        CifarlabError: If a picture cannot be read, or the images wanted are not square.
    """
    height, width, channels = image_shape
    if height != width:
        raise CifarlabError(f"the model takes {height} x {width} images: only square ones can be made of pictures")
    return np.stack([_read_picture(path, height, channels) for path in paths])


def _pictures_below(folder: Path) -> list[str]:
    found: list[str] = []
    for root, folders, _ in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found.extend(str(path) for path in list_pictures(Path(root)))
    if not found:
        raise CifarlabError(f"no pictures in {folder}: expected PNG, JPEG, WebP or other picture files")
    return found


def _read_picture(path: str, size_pixels: int, channels: int) -> NDArray[np.uint8]:
    """`(size_pixels, size_pixels, channels)` uint8."""
    if path == STANDARD_INPUT:
        rgb = read_image(sys.stdin.buffer, size_pixels, name="standard input")
    else:
        rgb = read_image(Path(path), size_pixels)
    return rgb if channels == 3 else to_grey(rgb)
