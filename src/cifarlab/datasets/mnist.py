"""MNIST: 60,000 training and 10,000 test pictures of handwritten digits, 28 x 28 pixels, grey.

Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits", 1998.
"""

from collections.abc import Callable
from pathlib import Path

from cifarlab.datasets._image_set import ImageSet, Source
from cifarlab.datasets._keras_sets import load_keras_set

CLASS_NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
_FILES = {"mnist.npz": "sha256:731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"}


def load(
    *,
    data_dir: Path | None = None,
    argument: str = "",
    download: bool = True,
    progress: Callable[[str, float], None] | None = None,
) -> tuple[ImageSet, ImageSet, Source]:
    """MNIST, images `(N, 28, 28, 1)` uint8; arguments and errors as in `load_keras_set`."""
    return load_keras_set(
        "mnist",
        CLASS_NAMES,
        _URL,
        _FILES,
        data_dir=data_dir,
        argument=argument,
        download=download,
        progress=progress,
    )
