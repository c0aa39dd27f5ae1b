"""An image by its id, or by where it stands in its data set."""

import re

from cifarlab.datasets import SPLITS, Splits
from cifarlab.utils import discovery
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.text import counted

_PLACE = re.compile(r"(?:(train|validation|test)/)?(\d+)")


def find_image(splits: Splits, image_id: str, split: str = "test") -> tuple[str, int]:
    """Where an image is.

    Args:
        splits: The data set.
        image_id: Its id, such as `"test-00042"`; or a part and a row, counted from 0, such as `"test/42"`; or a row.
        split: Where a bare row is counted, and where an id is looked for first.

    Returns:
        The part and the row in it.

    Raises:
        CifarlabError: If there is no such image; the message offers a near one.
    """
    if split not in SPLITS:
        raise CifarlabError(f"unknown split {split!r}: expected {', '.join(SPLITS)}")
    for name in (split, *(other for other in SPLITS if other != split)):
        (rows,) = (splits[name].ids == image_id).nonzero()
        if len(rows):
            return name, int(rows[0])
    place = _PLACE.fullmatch(image_id)
    if place is None:
        raise CifarlabError(f"no such image in {splits.source.name}: {_suggest(splits, image_id, split)}")
    name, row = place[1] or split, int(place[2])
    if row >= len(splits[name]):
        there = counted(len(splits[name]), f"{name} image")
        raise CifarlabError(f"{splits.source.name} has {there}, counted from 0. Received: {image_id}")
    return name, row


def _suggest(splits: Splits, image_id: str, split: str) -> str:
    """The nearest ids; where the part is large, only those that begin alike are compared."""
    ids = splits[split].ids.tolist() or splits.train.ids.tolist()
    alike = [known for known in ids if known[:4] == image_id[:4]][:2000] or ids
    sentence = discovery.unknown("image", image_id, alike)
    return f"{sentence.partition(' known: ')[0]} expected an id such as {ids[0]}, or a place such as {split}/0"
