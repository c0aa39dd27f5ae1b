"""SVHN: 73,257 training and 26,032 test colour pictures of house numbers, 32 x 32 pixels, ten digits.

Read from `train_32x32.mat` and `test_32x32.mat`, which the user has; the 531,131 easier pictures of `extra_32x32.mat`
are not used.

Source: Y. Netzer et al., "Reading Digits in Natural Images with Unsupervised Feature Learning", 2011,
http://ufldl.stanford.edu/housenumbers/. That page publishes no checksums: these are the ones that torchvision verifies.
"""

from pathlib import Path

import numpy as np

from cifarlab.datasets._published_set import PublishedSet
from cifarlab.utils.arrays import Array

IMAGE_SHAPE = (32, 32, 3)
CLASS_NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

_FILES = {
    "train_32x32.mat": "e26dedcc434d2e4c54c9b2d4a06d8373",
    "test_32x32.mat": "eb5a983be6a315427106f1b164d9cef3",
}


def _read(folder: Path) -> dict[str, Array]:
    import scipy.io

    arrays: dict[str, Array] = {}
    for name in _FILES:
        split = name.partition("_")[0]
        content = scipy.io.loadmat(folder / name, variable_names=("X", "y"))
        arrays[f"{split}_images"] = np.ascontiguousarray(content["X"].transpose(3, 0, 1, 2))  # from (32, 32, 3, N)
        arrays[f"{split}_labels"] = content["y"].reshape(-1).astype(np.int64) % 10  # the digit 0 has the label 10
    return arrays


load = PublishedSet("svhn", CLASS_NAMES, ("svhn", "SVHN"), _FILES, "http://ufldl.stanford.edu/housenumbers/", _read)
