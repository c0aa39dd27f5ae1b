"""Opening a picture within bounds: what is no picture, too large or too slow to decode is refused by its header."""

import errno
import io
import os
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, TypeVar

from PIL import Image

from cifarlab.utils.images import _formats
from cifarlab.utils.images._errors import PictureError

MAX_PIXELS = 64_000_000
MAX_STREAM_BYTES = 256 * 2**20

# What takes long to decode for what it shows is refused. Each bound is a second or a few on an ordinary core.
_MOST_PIECES = 500_000  # reads of a file: millions of comments or chunks, or a comment that is read byte by byte
_MOST_PYTHON_PIXELS = 2_100_000  # in formats that Pillow decodes in Python, a hundred times slower than in C
_MOST_PLAIN_PIXELS = 500_000  # in formats that write each number as text
_MOST_COMMENTS = 1_000  # in these: each is cut out of a copy of a megabyte
_MOST_SCANNED_PIXELS = 1_500_000_000  # pixels of a progressive JPEG, times its scans
_NEEDLE = 100  # the longer side, in shorter sides: the centre square is less than a hundredth of such a picture
_SMALL_PIXELS = 1_000_000  # what is smaller costs little, whatever its shape

_Result = TypeVar("_Result")


class _TooManyPiecesError(Exception):
    """A file that would be read in very many small pieces."""


class _File(io.BytesIO):
    """A file's bytes, which count how often they are read: some of Pillow's parsers go through them one by one."""

    reads = 0
    most = _MOST_PIECES

    def read(self, size: int | None = -1, /) -> bytes:
        self._count()
        return super().read(size)

    def readline(self, size: int | None = -1, /) -> bytes:
        self._count()
        return super().readline(size)

    def _count(self) -> None:
        self.reads += 1
        if self.reads > self.most:
            raise _TooManyPiecesError


def guarded(step: Callable[[], _Result], refuse: Callable[[Exception], PictureError]) -> _Result:
    """Do what runs a decoder; whatever it raises becomes a `PictureError`.

    The one place that catches every exception: decoders are other people's code on anybody's bytes. On damaged files
    they raise not OSError alone, but by experience also SyntaxError, IndexError, struct.error, AssertionError and
    others, and the next version or plug-in raises something else; no list of them was ever complete.
    """
    try:
        return step()
    except PictureError:
        raise
    except Exception as error:
        raise refuse(error) from error


def read_bytes(source: Path | bytes | BinaryIO, name: str) -> bytes:
    try:
        if isinstance(source, Path):
            if source.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            if not stat.S_ISREG(source.stat().st_mode):  # before it is opened: a pipe would be waited for
                raise PictureError(name, "it is no regular file", "expected a picture file, or - for a pipe", "access")
            with source.open("rb") as file:
                about = os.fstat(file.fileno())
                too_many = about.st_size > MAX_STREAM_BYTES
                data = b"" if too_many else file.read(MAX_STREAM_BYTES + 1)
        else:
            data = source if isinstance(source, bytes) else source.read(MAX_STREAM_BYTES + 1)
            too_many = False
    except OSError as error:
        raise PictureError(name, reason_of(error), "expected a picture file", "access") from error
    if too_many or len(data) > MAX_STREAM_BYTES:
        raise PictureError(name, f"more than {MAX_STREAM_BYTES // 2**20} MiB", "make the picture smaller", "size")
    if not data:
        raise PictureError(name, "the file is empty (zero bytes)", "expected a picture", "kind")
    return data


def open_image(data: bytes, name: str, max_pixels: int, formats: tuple[str, ...] | None) -> Image.Image:
    """Read the header only; what is too large or too slow is refused before any memory is taken for its pixels."""

    def refuse(error: Exception) -> PictureError:
        if isinstance(error, _TooManyPiecesError):
            return _too_slow(name, "its header consists of too many small pieces")
        if isinstance(error, Image.DecompressionBombError):
            count = re.search(r"\d+", str(error))
            return _too_large(name, f"{int(count[0]):,} pixels" if count else str(error), max_pixels)
        return PictureError(name, *_formats.guess(data[:1024], _formats.known(formats)))

    file = _File(data)
    image = guarded(lambda: Image.open(file, formats=_formats.known(formats)), refuse)
    if image.format in _formats.REFUSED:
        raise PictureError(name, f"{image.format} files are not supported", "export it as PNG or JPEG", "kind")
    pixels = image.width * image.height
    if pixels > max_pixels:
        raise _too_large(name, f"{image.width} x {image.height} pixels", max_pixels)
    if pixels > _SMALL_PIXELS and max(image.size) > _NEEDLE * min(image.size):
        shape = f"of its {image.width} x {image.height} pixels only the centre square would be looked at"
        raise PictureError(name, f"it is too long and narrow ({shape})", "cut out the part that matters", "size")
    _check_effort(image, data, name)
    if _decoders(image) & Image.DECODERS.keys():
        file.most += 3 * pixels  # these read pixel by pixel
    return image


def _check_effort(image: Image.Image, data: bytes, name: str) -> None:
    pixels, decoders = image.width * image.height, _decoders(image)
    if "ppm_plain" in decoders and pixels > _MOST_PLAIN_PIXELS:
        raise _too_slow(name, f"its {pixels:,} pixels are written as text")
    if "ppm_plain" in decoders and data.count(b"#") > _MOST_COMMENTS:
        raise _too_slow(name, "it is full of comments")
    if decoders & Image.DECODERS.keys() and pixels > _MOST_PYTHON_PIXELS:
        raise _too_slow(name, f"{pixels:,} pixels in a rare format")
    # In the pixels themselves these two bytes cannot stand: they begin a scan, or stand in a thumbnail.
    if image.format in ("JPEG", "MPO") and data.count(b"\xff\xda") * pixels > _MOST_SCANNED_PIXELS:
        raise _too_slow(name, "the JPEG file goes over its pixels too often")


def _decoders(image: Image.Image) -> set[str]:
    return {tile[0] for tile in getattr(image, "tile", [])}


def _too_slow(name: str, why: str) -> PictureError:
    reason = f"it takes too long to decode for what it shows ({why})"
    return PictureError(name, reason, "export it as PNG or JPEG", "size")


def _too_large(name: str, size: str, max_pixels: int) -> PictureError:
    expected = f"expected at most {max_pixels:,} pixels, so shrink it first"
    return PictureError(name, f"too large ({size})", expected, "size")


def reason_of(error: BaseException) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__


def refusal(error: Exception, image: Image.Image, name: str) -> PictureError:
    """What is said where decoding an opened picture fails."""
    if isinstance(error, _TooManyPiecesError):
        return _too_slow(name, "it consists of too many small pieces")
    reason = f"the {image.format} file is damaged or truncated ({reason_of(error)})"
    return PictureError(name, reason, "export it again", "damage")
