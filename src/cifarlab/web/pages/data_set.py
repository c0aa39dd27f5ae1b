"""Collection: a data set whose pictures can be asked for by id, and the word that stands for it in addresses."""

import hashlib
import re
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from cifarlab.datasets import SPLITS, ImageSet, Splits
from cifarlab.utils.images import encode_png

LARGEST_SIDE_PIXELS = 96


class Collection:
    """A loaded data set."""

    def __init__(self, slug: str, name: str, splits: Splits) -> None:
        """Nothing is computed yet."""
        self.slug = slug
        self.name = name
        self.splits = splits

    @cached_property
    def places(self) -> dict[str, tuple[str, int]]:
        """Image id to its split and its row there."""
        return {
            image_id: (split, row) for split in SPLITS for row, image_id in enumerate(self.splits[split].ids.tolist())
        }

    @property
    def class_names(self) -> tuple[str, ...]:
        """In the order of the labels."""
        return self.splits.class_names

    @property
    def parts(self) -> dict[str, ImageSet]:
        """Every split that has images."""
        return {split: self.splits[split] for split in SPLITS if len(self.splits[split])}

    @cached_property
    def version(self) -> str:
        """Changes when the data do: what browsers keep of it is then asked for anew."""
        source = self.splits.source
        about = (source.name, source.location, sorted(source.checksums.items()), *map(len, self.parts.values()))
        digest = hashlib.sha256(repr(about).encode())
        for part in self.parts.values():
            # Some rows of each part: the whole would take seconds.
            digest.update(np.ascontiguousarray(part.images[:: max(1, len(part) // 64)]).tobytes())
        return digest.hexdigest()[:12]

    def image(self, image_id: str) -> NDArray[np.uint8] | None:
        """`(H, W, C)` uint8; None where there is no such image."""
        split, row = self.places.get(image_id, ("", 0))
        return self.splits[split].images[row] if split else None

    def picture(self, image_id: str) -> bytes | None:
        """The image as PNG, made smaller where it is large; None where there is no such image."""
        image = self.image(image_id)
        return None if image is None else to_png(image)

    def number(self, image_id: str) -> int:
        """The image's place among all of the data set, in the order of `places`."""
        split, row = self.places[image_id]
        return self._starts[split] + row

    def numbered(self, number: int) -> NDArray[np.uint8]:
        """The image of a number, which must be less than there are images: `(H, W, C)` uint8."""
        split = next(split for split in reversed(SPLITS) if self._starts[split] <= number)
        image: NDArray[np.uint8] = self.splits[split].images[number - self._starts[split]]
        return image

    @cached_property
    def _starts(self) -> dict[str, int]:
        sizes = [len(self.splits[split]) for split in SPLITS]
        return {split: sum(sizes[:place]) for place, split in enumerate(SPLITS)}

    def address(self, image_id: str) -> str:
        """Where the picture is served."""
        return f"/pictures/{self.slug}/{self.version}/{self.quote(image_id)}"

    @staticmethod
    def quote(image_id: str) -> str:
        """An id as part of an address; one may be a path inside the user's folder."""
        return quote(image_id, safe="/")


def slug_of(name: str) -> str:
    """A data set's name as one word for addresses: a path is not told."""
    kind, _, place = (Path(name).stem, "", name) if name.endswith(".py") else name.partition(":")
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", kind).strip("-") or "data"
    if not place and plain == name:
        return name
    return f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def to_png(image: NDArray[np.uint8]) -> bytes:
    """`(H, W, C)` uint8 as PNG."""
    return encode_png(image, LARGEST_SIDE_PIXELS)
