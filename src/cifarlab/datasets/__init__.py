"""Data sets, each one a file found by its name, and the function that loads and splits any of them.

A data set file defines

    load(*, data_dir, argument, download, progress=None) -> (train: ImageSet, test: ImageSet, Source)

where `data_dir` is the `--data-dir` given by the user or None, `argument` is what follows the colon in `folder:PATH`
(else `""`), `download` says whether the network may be used, and `progress` is called with a phrase and the share done.
Importing this package or any file in it does not import Keras.
"""

from cifarlab.datasets._download import NoDataError
from cifarlab.datasets._image_set import SPLITS, ImageSet, Source, Splits
from cifarlab.datasets._imbalance import describe_imbalance
from cifarlab.datasets._loading import describe, image_shape, load_data, older_split, own_place, split_name

__all__ = [
    "SPLITS",
    "ImageSet",
    "NoDataError",
    "Source",
    "Splits",
    "describe",
    "describe_imbalance",
    "image_shape",
    "load_data",
    "older_split",
    "own_place",
    "split_name",
]
