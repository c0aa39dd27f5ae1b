"""The checked arrays that travel between the stages: ImageSet, and the Splits made of three of them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cifarlab.utils.arrays import Array, check_array, check_labels
from cifarlab.utils.errors import CifarlabError

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images with their labels and the ids that follow them all the way to a report.

    Attributes:
        images: `(N, H, W, C)` uint8, C is 1 or 3.
        labels: `(N,)` int64, values in `[0, K)`.
        ids: `(N,)` str, unique; such as `"test-00042"` or a file's path inside the user's folder.
        class_names: K names, in the order of the labels.
        contents: `(N,)` str, a checksum of each image's file: given, a held-out part follows from it, and is the same
            whatever other images there are; None, it follows from the order of the images.
    """

    images: Array
    labels: Array
    ids: Array
    class_names: tuple[str, ...]
    contents: Array | None = None

    def __post_init__(self) -> None:
        if self.contents is not None:
            check_array(
                self.contents.shape == (len(self.images),), f"contents ({len(self.images)},) str", self.contents
            )
        check_array(self.images.ndim == 4 and self.images.dtype == np.uint8, "images (N, H, W, C) uint8", self.images)
        check_labels(self.labels, self.ids, len(self.images), len(self.class_names))

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of every image."""
        height, width, channels = self.images.shape[1:]
        return height, width, channels

    @property
    def fingerprint(self) -> str:
        """`"blake2b:..."` of images, labels, ids and class names: the same for the same data in whatever archive."""
        about = repr((self.images.shape, self.ids.tolist(), self.class_names))
        digest = hashlib.blake2b(about.encode(), digest_size=16)
        digest.update(np.ascontiguousarray(self.labels).data)
        digest.update(np.ascontiguousarray(self.images).data)
        return f"blake2b:{digest.hexdigest()}"

    def take(self, indices: Array) -> "ImageSet":
        """The images at `indices`, in that order.

        Args:
            indices: `(M,)` int, or `(N,)` bool.
        """
        contents = None if self.contents is None else self.contents[indices]
        return ImageSet(self.images[indices], self.labels[indices], self.ids[indices], self.class_names, contents)


def numbered_set(split: str, images: Array, labels: Array, class_names: tuple[str, ...]) -> ImageSet:
    """Published images in their own order, with ids such as `"test-00042"`.

    Args:
        split: Begins the ids.
        images: `(N, H, W, C)` or, of grey ones, `(N, H, W)`, uint8.
        labels: `(N,)` or `(N, 1)`, any int: a column compared with `(N,)` would broadcast to `(N, N)` without a word.
        class_names: In the order of the labels.
    """
    shaped = images if images.ndim == 4 else images[..., np.newaxis]
    ids = np.strings.add(f"{split}-", np.strings.zfill(np.arange(len(labels)).astype("U5"), 5))
    return ImageSet(shaped, np.asarray(labels).reshape(-1).astype(np.int64, copy=False), ids, class_names)


@dataclass(frozen=True)
class Source:
    """Where a data set came from.

    Attributes:
        name: As on the command line, such as `"cifar10"`.
        location: Folder, archive or package that it was read from.
        how: One phrase for people: how it was found.
        checksums: File name to `"md5:..."` or `"sha256:..."`, as verified.
        data_dir: The `--data-dir` that finds it again, or None.
        split: The rule by which parts are held out, where it is not that of CIFAR-10; `""` there.
        notices: Sentences about what a reader must know, such as what was left out.
        pictures: Of a folder of pictures what these were, see `cifarlab.datasets.folder`.
    """

    name: str
    location: str
    how: str
    checksums: Mapping[str, str] = field(default_factory=dict)
    data_dir: str | None = None
    split: str = ""
    notices: tuple[str, ...] = ()
    pictures: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Splits:
    """A data set, split: choices look at validation, and the test set is read once, by `evaluate`.

    `confirmation` is the part that no training of a search has seen, where one was set aside.
    """

    train: ImageSet
    validation: ImageSet
    test: ImageSet
    source: Source
    confirmation: ImageSet | None = None

    def __post_init__(self) -> None:
        shapes = {part.image_shape for part in (self.train, self.validation, self.test) if len(part)}
        if len(shapes) > 1:
            raise ValueError(f"all splits need images of one shape. Received: {sorted(shapes)}")

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names in the order of the labels."""
        return self.train.class_names

    def __getitem__(self, split: str) -> ImageSet:
        if split not in SPLITS:
            raise CifarlabError(f"unknown split {split!r}: expected train, validation or test")
        part: ImageSet = getattr(self, split)
        return part
