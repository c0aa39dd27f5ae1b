"""Uploaded pictures: taken out of a request and decoded within limits, in memory; nothing is ever written to disk."""

import base64
import binascii
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser

from cifarlab.inference.picture_files import check_shape
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.images import PictureError, Pixels, read_image, to_grey

FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "AVIF", "HEIF", "PPM")
"""What people have. Pillow's many rarer decoders are kept away from strangers' bytes."""

_STATUS = {"size": 413, "kind": 415, "damage": 422, "access": 422}
_MOST_FIELDS = 50
_LONGEST_NAME = 1_000  # a path inside a folder is one
_JOINERS = "\u200c\u200d"  # which many a script, and many an emoji, is written with


class UploadError(CifarlabError):
    """An upload that is refused, with the HTTP status that says so."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Upload:
    """What a request brought.

    Attributes:
        pictures: Name and bytes of each file that is not empty.
        fields: The other fields of the form, each with all its values.
    """

    pictures: Sequence[tuple[str, bytes]]
    fields: Mapping[str, Sequence[str]]


def decode_picture(
    data: bytes, image_shape: tuple[int, int, int], *, max_pixels: int, name: str = "the picture"
) -> Pixels:
    """Turn an uploaded picture into what a model takes.

    As `images.read_image`, which says what is done about EXIF orientation, transparency, 16 bits, CMYK, palettes and
    animations; of the formats in `FORMATS` only.

    Args:
        data: The file's bytes.
        image_shape: Height, width (the same) and channels (1 or 3) wanted.
        max_pixels: A picture with more is refused by its header, before any memory is taken for it.
        name: What messages call the picture.

    Returns:
        `image_shape` uint8.

    Raises:
        UploadError: 413 if it is too large, 415 if it is no picture in one of the formats, 422 if it is damaged.
    """
    check_square(image_shape)
    height, _, channels = image_shape
    try:
        rgb = read_image(data, height, name, max_pixels=max_pixels, formats=FORMATS)
    except PictureError as error:
        raise UploadError(_STATUS[error.fault], str(error)) from error
    return rgb if channels == 3 else to_grey(rgb)


def check_square(image_shape: tuple[int, int, int]) -> None:
    """Make sure that pictures can be made into what a model takes.

    Raises:
        UploadError: 409 as `picture_files.check_shape`.
    """
    try:
        check_shape(image_shape)
    except CifarlabError as error:
        raise UploadError(409, str(error)) from error


async def read_form(request: Request, *, max_images: int) -> Upload:
    """The files and fields of a multipart form, all in memory.

    Args:
        request: Whose body is still to be read; a middleware bounds its size.
        max_images: How many files may come.

    Raises:
        UploadError: If the form is malformed or holds too many files or fields.
    """
    parser = _InMemoryParser(request.headers, request.stream(), max_files=max_images, max_fields=_MOST_FIELDS)
    try:
        form = await parser.parse()
    except MultiPartException as error:
        message = error.message.rstrip(".")
        raise UploadError(413 if message.startswith("Too many") else 400, f"bad form: {message}") from error
    except (HTTPException, TimeoutError):
        raise
    except (ValueError, LookupError, TypeError) as error:  # what the parser's parts raise on odd headers
        raise UploadError(400, "bad form: expected multipart/form-data as browsers send it") from error
    pictures: list[tuple[str, bytes]] = []
    fields: dict[str, list[str]] = {}
    for key, value in form.multi_items():
        if isinstance(value, UploadFile):
            data = await value.read()
            if data or value.filename:  # a browser sends a nameless empty file where none was chosen
                pictures.append((_name(value.filename, len(pictures)), data))
        else:
            fields.setdefault(key, []).append(value)
    await form.close()
    return Upload(pictures, fields)


def decode_base64(text: str, name: str) -> bytes:
    """The bytes of a picture in base64, with or without `data:image/...;base64,` before it.

    Raises:
        UploadError: If it is no base64.
    """
    # `validate`, since without it characters that are no base64 are skipped and the rest decoded.
    encoded = text.partition(",")[2] if text.startswith("data:") else text
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise UploadError(422, f"cannot read {name}: it is not base64 ({error})") from error


class _InMemoryParser(MultiPartParser):
    """Starlette's own parser moves files of more than a megabyte to the disk; this one never does."""

    spool_max_size = sys.maxsize


def _name(filename: Any, number: int) -> str:
    """A file's own name, made fit for a message; else its number."""
    given = str(filename or "").replace("%22", '"')  # browsers write a quotation mark so
    plain = "".join(each for each in given if each.isprintable() or each in _JOINERS)
    return plain[:_LONGEST_NAME] or f"picture {number + 1}"
