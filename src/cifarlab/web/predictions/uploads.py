"""Uploaded pictures: taken out of a request and decoded within limits, in memory; nothing is ever written to disk."""

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from fastapi import Request
from python_multipart.multipart import parse_options_header

from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.images import PictureError, Pixels, read_image, to_grey

FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "AVIF", "HEIF", "PPM")
"""What people have. Pillow's many rarer decoders are kept away from strangers' bytes."""

_STATUS = {"size": 413, "kind": 415, "damage": 422, "access": 422}
_MOST_FIELDS = 50
_LONGEST_NAME = 100
_LONGEST_HEAD = 8_192  # bytes before a part's content
_LONGEST_BOUNDARY = 256
_DISPOSITION = b"content-disposition:"


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
        UploadError: 409 if its height is not its width.
    """
    height, width, _ = image_shape
    if height != width:
        raise UploadError(409, f"the model takes {height} x {width} images: only square ones can be made of pictures")


async def read_form(request: Request, *, max_images: int) -> Upload:
    """The files and fields of a multipart form, all in memory.

    Args:
        request: Whose body is still to be read; a middleware bounds its size.
        max_images: How many files may come.

    Raises:
        UploadError: If the form is malformed or holds too many files or fields.
    """
    _, options = parse_options_header(request.headers.get("content-type"))
    boundary = options.get(b"boundary", b"")
    if not 1 <= len(boundary) <= _LONGEST_BOUNDARY:
        raise UploadError(400, "bad form: expected a boundary, as browsers send it")
    body = b"".join([chunk async for chunk in request.stream()])
    pictures: list[tuple[str, bytes]] = []
    fields: dict[str, list[str]] = {}
    for number, (name, filename, content) in enumerate(_parts(body, boundary)):
        if number == max_images + _MOST_FIELDS:
            raise UploadError(413, "bad form: too many files or fields")
        if filename is None:
            fields.setdefault(name, []).append(_text(content))
        elif content or filename:  # a browser sends a nameless empty file where none was chosen
            pictures.append((_name(filename, len(pictures)), content))
    return Upload(pictures, fields)


def _parts(body: bytes, boundary: bytes) -> Iterator[tuple[str, str | None, bytes]]:
    """Name, file's name if there is one, and content of each part of a form that is in memory (RFC 7578).

    Cut out of the body, not fed through Starlette's parser: its calls for each piece of each part took a sixth of the
    time of a small prediction, and it moves large files to the disk.
    """
    delimiter = b"\r\n--" + boundary
    place = len(delimiter) + (-2 if body.startswith(delimiter[2:]) else body.find(delimiter))  # behind the first
    while body and not body.startswith(b"--", place):
        end = body.find(delimiter, place)
        head_end = body.find(b"\r\n\r\n", place, min(end, place + _LONGEST_HEAD))
        if end < 0 or head_end < 0 or not body.startswith(b"\r\n", place):
            raise UploadError(400, "bad form: expected multipart/form-data as browsers send it")
        head = body[place:head_end].split(b"\r\n")
        _, options = parse_options_header(next((line for line in head if line.lower().startswith(_DISPOSITION)), b""))
        if b"name" not in options:
            raise UploadError(400, "bad form: a part has no name")
        filename = _text(options[b"filename"]) if b"filename" in options else None
        yield _text(options[b"name"]), filename, body[head_end + 4 : end]
        place = end + len(delimiter)


def _text(raw: bytes) -> str:
    """UTF-8, as browsers send it, or else Latin-1, in which everything has a meaning."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


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


def _name(filename: str, number: int) -> str:
    """A file's own name, made fit for a message; else its number."""
    plain = "".join(character for character in filename if character.isprintable())
    return plain[:_LONGEST_NAME] or f"picture {number + 1}"
