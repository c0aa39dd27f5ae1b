"""STL-10: 5,000 training and 8,000 test colour pictures, 96 x 96 pixels, ten classes.

Read from the binary files in `stl10_binary`, which the user has. The published protocol trains on ten predefined folds
of 1,000 pictures each, and may learn from 100,000 unlabelled pictures first; here neither is used, so accuracies are
not to be set beside those of that protocol.

Source: A. Coates, H. Lee, A. Y. Ng, "An Analysis of Single Layer Networks in Unsupervised Feature Learning", 2011,
https://cs.stanford.edu/~acoates/stl10/. That page publishes no checksums: these are the ones that torchvision verifies.
"""

from pathlib import Path

import numpy as np

from cifarlab.datasets._published_set import PublishedSet
from cifarlab.utils.arrays import Array

IMAGE_SHAPE = (96, 96, 3)
CLASS_NAMES = ("airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck")

_FILES = {
    "train_X.bin": "918c2871b30a85fa023e0c44e0bee87f",
    "train_y.bin": "5a34089d4802c674881badbb80307741",
    "test_X.bin": "7f263ba9f9e0b06b93213547f721ac82",
    "test_y.bin": "36f9794fa4beb8a2c72628de14fa638e",
}
_NOTICE = (
    "STL-10's ten predefined folds are not used, and its 100,000 unlabelled pictures are left alone: these accuracies "
    "are not those of its published protocol."
)


def _read(folder: Path) -> dict[str, Array]:
    arrays: dict[str, Array] = {}
    for split in ("train", "test"):
        pixels = np.fromfile(folder / f"{split}_X.bin", np.uint8).reshape(-1, 3, 96, 96)  # (N, C, W, H): by columns
        arrays[f"{split}_images"] = np.ascontiguousarray(pixels.transpose(0, 3, 2, 1))
        arrays[f"{split}_labels"] = np.fromfile(folder / f"{split}_y.bin", np.uint8).astype(np.int64) - 1  # from 1
    return arrays


load = PublishedSet(
    "stl10",
    CLASS_NAMES,
    ("stl10_binary",),
    _FILES,
    "https://cs.stanford.edu/~acoates/stl10/stl10_binary.tar.gz",
    _read,
    (_NOTICE,),
)
