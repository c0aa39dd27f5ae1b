"""Handwritten digits: 1,797 real scans, 8 x 8 pixels, that come with scikit-learn and need no network.

Each pixel is shown as a 4 x 4 block, so that the same models as for CIFAR-10 can be trained: 32 x 32 RGB. A fifth of
every class is the test set, always the same images.

Source: E. Alpaydin, C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository, 1998.
"""

from pathlib import Path

import numpy as np

from cifarlab.datasets._image_set import ImageSet, Source
from cifarlab.datasets._options import refuse
from cifarlab.datasets._split import hold_out
from cifarlab.utils.progress import ProgressCallback

IMAGE_SHAPE = (32, 32, 3)
CLASS_NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

_BRIGHTEST = 16
_BLOCK_PIXELS = 4
_TEST_FRACTION, _TEST_SEED = 0.2, 1_998


def load(
    *,
    data_dir: Path | None = None,
    argument: str = "",
    download: bool = True,
    progress: ProgressCallback | None = None,
) -> tuple[ImageSet, ImageSet, Source]:
    """The digits, divided into 1,438 training and 359 test images `(N, 32, 32, 3)` uint8; ids by scikit-learn's index.

    Arguments as in `cifarlab.datasets`; the last two are not needed.

    Raises:
        CifarlabError: If `data_dir` or `argument` is given.
    """
    refuse("digits", argument=argument, data_dir=data_dir, why="they come with scikit-learn")
    import sklearn.datasets

    found = sklearn.datasets.load_digits()
    grey = np.rint(found.images * (255 / _BRIGHTEST)).astype(np.uint8)  # (N, 8, 8)
    grey = grey.repeat(_BLOCK_PIXELS, axis=1).repeat(_BLOCK_PIXELS, axis=2)  # (N, 32, 32)
    images = np.stack([grey] * 3, axis=-1)
    ids = np.array([f"digits-{index:04d}" for index in range(len(images))])
    everything = ImageSet(images, found.target.astype(np.int64), ids, CLASS_NAMES)
    train, test = hold_out(everything, _TEST_FRACTION, _TEST_SEED)
    location = f"scikit-learn {sklearn.__version__}"
    return train, test, Source("digits", location, "comes with scikit-learn")
