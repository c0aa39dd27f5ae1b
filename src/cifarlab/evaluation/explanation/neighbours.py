"""The training images that a network itself finds most alike: nearest in what its last layer is given."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifarlab.datasets import ImageSet
from cifarlab.inference.prediction import compute_logits
from cifarlab.runs import Run
from cifarlab.runs.derived import model_checksum
from cifarlab.utils import files
from cifarlab.utils.array_files import BROKEN_ARCHIVE, open_arrays
from cifarlab.utils.arrays import Array, check_array

LARGEST = float(np.finfo(np.float16).max)


@dataclass(frozen=True, eq=False)
class Neighbour:
    """A training image.

    Attributes:
        similarity: Cosine of its features with those of the image asked about.
        image: `(H, W, C)` uint8.
    """

    image_id: str
    label: int
    similarity: float
    image: NDArray[np.uint8]


def find_neighbours(run: Run, model: Any, checksum: str, train: ImageSet, one: ImageSet, count: int) -> list[Neighbour]:
    """The training images nearest to one image, the nearest first; the image itself is left out.

    Args:
        run: Where the features of its training images are kept.
        model: Its `keras.Model`.
        checksum: Of its file, taken before it was read.
        train: What it learned from.
        one: The image, alone in its set.
        count: How many.

    Returns:
        `count` neighbours, or all there are; none where the model has no layer to ask.

    Raises:
        CifarlabError: If the features cannot be written.
    """
    body = feature_model(model)
    if body is None:
        return []
    known = training_features(run, body, train, checksum)
    found = nearest_images(known, train, compute_logits(body, one.images)[0], count + 1)
    return [near for near in found if near.image_id != one.ids[0]][:count]


def nearest_images(known: Array, train: ImageSet, wanted: Array, count: int) -> list[Neighbour]:
    """The images whose features, `(N, D)`, are most like a vector, as `nearest` finds them."""
    return [  # copies, for they are kept: a view would keep all images
        Neighbour(str(train.ids[row]), int(train.labels[row]), float(similarity), train.images[row].copy())
        for row, similarity in zip(*nearest(known, wanted, count), strict=True)
    ]


def feature_model(model: Any) -> Any | None:
    """Pixels to the input of the layer named `logits`, `(N, D)`; None where there is no such layer or another shape."""
    import keras

    try:
        features = model.get_layer("logits").input
        body = keras.Model(model.inputs[0], features)
    except (ValueError, AttributeError, TypeError):  # another name, or no graph of layers
        return None
    return body if len(features.shape) == 2 else None


def training_features(run: Run, body: Any, train: ImageSet, checksum: str | None = None) -> NDArray[np.float16]:
    """`(N, D)` float16 of every training image, kept in the run for as long as model and images are the same.

    Args:
        run: Where they are kept.
        body: See `feature_model`.
        train: The images.
        checksum: Of the model's file before `body` was read from it; by default as it is now.
    """
    about = f"{checksum or model_checksum(run)} {train.fingerprint}"
    kept = _read(run, about)
    if kept is not None and len(kept) == len(train):
        return kept
    features = np.clip(compute_logits(body, train.images), -LARGEST, LARGEST).astype(np.float16)
    files.write_atomically(run.features_file, lambda file: np.savez(file, about=np.array(about), features=features))
    return features


def nearest(known: Array, wanted: Array, count: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The rows most like a vector, by the cosine.

    Args:
        known: `(N, D)` float.
        wanted: `(D,)` float.
        count: At most this many.

    Returns:
        Rows and cosines, `(M,)` each, the most similar first and of equals the first; a vector of zeros is like none.
    """
    from sklearn.metrics.pairwise import cosine_similarity  # takes a second to import

    cosines = cosine_similarity(known.astype(np.float32), wanted[None].astype(np.float32))[:, 0]
    rows = np.argsort(-cosines, kind="stable")[:count]
    return rows.astype(np.int64), cosines[rows].astype(np.float32)


def _read(run: Run, about: str) -> NDArray[np.float16] | None:
    """What was kept, if it is about this model and these images; a broken file is as good as none."""
    try:
        with open_arrays(run.features_file) as stored:
            if str(stored["about"]) != about:
                return None
            features = stored["features"]
            check_array(features.ndim == 2 and features.dtype == np.float16, "features (N, D) float16", features)
            return np.asarray(features)
    except BROKEN_ARCHIVE:
        return None
