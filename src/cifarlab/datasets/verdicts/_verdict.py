"""Verdict: what somebody said of one image's label."""

import datetime
import hashlib
from dataclasses import dataclass

import numpy as np

from cifarlab.utils.arrays import Array
from cifarlab.utils.errors import CifarlabError

KEEP, RELABEL, DROP, UNSURE, UNDO = VERDICTS = ("keep", "relabel", "drop", "unsure", "undo")
COLUMNS = ("id", "old", "new", "verdict", "when", "checksum")


@dataclass(frozen=True)
class Verdict:
    """One line of a labels file.

    Attributes:
        image_id: The image's id when it was judged.
        old: The class that the data set labels it as.
        new: The right class, of a `relabel`; else empty.
        verdict: One of `VERDICTS`; `undo` takes back whatever was said of the image before.
        when: ISO 8601, UTC; empty where a person wrote the line.
        checksum: See `content_checksum`; empty where a person wrote the line.
        row: In its file, the header being row 1; 0 of one that is in none yet.
    """

    image_id: str
    old: str
    new: str
    verdict: str
    when: str = ""
    checksum: str = ""
    row: int = 0


def new_verdict(image_id: str, old: str, verdict: str, new: str = "", image: Array | None = None) -> Verdict:
    """A verdict of this moment, checked.

    Args:
        image_id: The image's id.
        old: The class that the data set labels it as.
        verdict: One of `VERDICTS`.
        new: The right class, of a `relabel`.
        image: `(H, W, C)` uint8; gives the checksum by which the image is found again under another id.

    Raises:
        CifarlabError: If the verdict is unknown, or a class is missing.
    """
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    checksum = "" if image is None else content_checksum(image)
    made = Verdict(image_id, old, new if verdict == RELABEL else "", verdict, now, checksum)
    if reason := what_is_wrong(made):
        raise CifarlabError(f"the verdict on {image_id or 'an image'} is damaged: {reason}")
    return made


def content_checksum(image: Array) -> str:
    """16 hexadecimal digits of an image's pixels, BLAKE2b: the same under whatever id and in whatever file.

    Args:
        image: `(H, W, C)` uint8.

    Example:
        >>> content_checksum(np.zeros((2, 2, 1), np.uint8))
        '4e842f2f50cc089e'
    """
    return hashlib.blake2b(np.ascontiguousarray(image).data, digest_size=8).hexdigest()


def what_is_wrong(verdict: Verdict) -> str:
    """Why a line cannot be used, with what was expected; empty where it can."""
    if not verdict.image_id:
        return "it has no id"
    if verdict.verdict not in VERDICTS:
        return f"unknown verdict {verdict.verdict!r}; expected {', '.join(VERDICTS)}"
    if not verdict.old:
        return "it has no old label; expected the class that the data set gives the image"
    if verdict.verdict == RELABEL and not verdict.new:
        return "it has no new label; a relabel needs one"
    if verdict.checksum and (len(verdict.checksum) != 16 or set(verdict.checksum) - set("0123456789abcdef")):
        return f"checksum {verdict.checksum!r} is none; expected 16 hexadecimal digits, or nothing"
    return "" if not verdict.when or _is_utc(verdict.when) else (
        f"time {verdict.when!r} is none; expected such as 2026-01-31T12:00:00Z, or nothing"
    )  # fmt: skip


def _is_utc(text: str) -> bool:
    try:
        return datetime.datetime.fromisoformat(text).utcoffset() == datetime.timedelta(0)
    except ValueError:
        return False
