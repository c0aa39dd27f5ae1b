"""Pictures from anywhere: any format PIL reads, turned into the small square RGB arrays that the models take."""

import contextlib
import functools
import io
import itertools
import os
import re
import struct
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from cifarlab.errors import CifarlabError
from cifarlab.silence import silenced

MAX_PIXELS = 64_000_000
MAX_STREAM_BYTES = 256 * 2**20

Pixels = NDArray[np.uint8]
Progress = Callable[[str, float], None]
Fault = Literal["access", "size", "kind", "damage"]


class PictureError(CifarlabError):
    """A picture that cannot be read.

    Attributes:
        fault: `"access"` (missing or unreadable), `"size"` (too large), `"kind"` (no picture, or of a format that is
            not read) or `"damage"`.
    """

    def __init__(self, message: str, fault: Fault) -> None:
        super().__init__(message)
        self.fault: Fault = fault


def read_image(
    source: Path | bytes | BinaryIO,
    size_pixels: int = 32,
    name: str = "",
    *,
    max_pixels: int = MAX_PIXELS,
    formats: tuple[str, ...] | None = None,
) -> Pixels:
    """Read one picture as a square of RGB bytes.

    The picture is turned upright (EXIF), its first frame taken, transparency laid over white, 16-bit and float values
    scaled to bytes, and the centre square resized with Pillow's antialiased bicubic filter, which serves for shrinking
    and enlarging alike. A picture that is `size_pixels` square already keeps every byte. JPEGs much larger than needed
    are decoded at a reduced scale, at least four times `size_pixels`.

    Args:
        source: A file, its bytes, or an open binary stream, which need not be seekable.
        size_pixels: Height and width of the result.
        name: What messages call the picture; by default the file's path.
        max_pixels: The largest picture that is decoded, at most `MAX_PIXELS`.
        formats: Pillow's names of the formats to try, such as `("PNG", "JPEG")`; by default all that it reads itself.

    Returns:
        `(size_pixels, size_pixels, 3)` uint8.

    Raises:
        PictureError: If the file is missing, empty, not a picture, damaged, or larger than `max_pixels`.
    """
    with silenced():
        return _read(source, size_pixels, name, min(max_pixels, MAX_PIXELS), formats)


def read_images(paths: Sequence[Path], size_pixels: int = 32, progress: Progress | None = None) -> Pixels:
    """Read many picture files, on every core.

    Args:
        paths: N picture files.
        size_pixels: Height and width of each result.
        progress: Called with a phrase and the share done in `[0, 1]`.

    Returns:
        `(N, size_pixels, size_pixels, 3)` uint8, in the order of `paths`.

    Raises:
        PictureError: As `read_image`, for the first picture that cannot be read.
    """
    images = np.empty((len(paths), size_pixels, size_pixels, 3), np.uint8)
    workers = min(8, os.cpu_count() or 1)
    with silenced(), ThreadPoolExecutor(workers) as pool:
        waiting = iter(paths)
        # A short queue: after the first bad picture only a few more are looked at.
        queue = [pool.submit(_read, path, size_pixels, "") for path in itertools.islice(waiting, 4 * workers)]
        for index in range(len(paths)):
            images[index] = queue.pop(0).result()
            queue.extend(pool.submit(_read, path, size_pixels, "") for path in itertools.islice(waiting, 1))
            if progress:
                progress("reading pictures", (index + 1) / len(paths))
    return images


def to_grey(rgb: Pixels) -> Pixels:
    """`(H, W, 3)` uint8 to its luminance, `(H, W, 1)`, by ITU-R BT.601 as in Pillow's mode L."""
    return np.asarray(Image.fromarray(rgb).convert("L"), np.uint8)[:, :, None]


def list_pictures(folder: Path) -> list[Path]:
    """The files directly in `folder` that are pictures by their ending, sorted by name; hidden files are left out.

    Raises:
        CifarlabError: If `folder` is missing, not a folder, or not readable.
    """
    try:
        found = [path for path in folder.iterdir() if path.suffix.lower() in _endings()]
    except OSError as error:
        raise CifarlabError(f"cannot list {folder}: {_reason(error)}; expected a folder of pictures") from error
    return sorted(path for path in found if not path.name.startswith(".") and path.is_file())


# Formats that Pillow recognises, but reads by starting another program or not at all.
_REFUSED_FORMATS = {"BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF"}

# What Pillow's decoders raise on damaged files, by experience: far more than OSError.
_DECODING_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    ArithmeticError,
    EOFError,
    MemoryError,
    RuntimeError,
    struct.error,
    zlib.error,
)

_ORIENTATION_TAG = 0x0112
_ORIENTATIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def _read(
    source: Path | bytes | BinaryIO,
    size_pixels: int,
    name: str,
    max_pixels: int = MAX_PIXELS,
    formats: tuple[str, ...] | None = None,
) -> Pixels:
    if size_pixels < 1:
        raise CifarlabError(f"size_pixels must be at least 1. Received: {size_pixels}")
    name = name or (str(source) if isinstance(source, Path) else "the picture")
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(_open_file(source, name))
        image = stack.enter_context(_open_image(file, name, max_pixels, formats))
        try:
            return _decode(image, size_pixels, name)
        except _DECODING_ERRORS as error:
            problem = f"the {image.format} file is damaged or truncated ({_reason(error)})"
            raise PictureError(f"cannot read {name}: {problem}; export it again", "damage") from error


def _open_file(source: Path | bytes | BinaryIO, name: str) -> BinaryIO:
    try:
        if isinstance(source, Path):
            return source.open("rb")
        data = source if isinstance(source, bytes) else source.read(MAX_STREAM_BYTES + 1)
    except OSError as error:
        raise PictureError(f"cannot read {name}: {_reason(error)}; expected a picture file", "access") from error
    if len(data) > MAX_STREAM_BYTES:
        limit = f"more than {MAX_STREAM_BYTES // 2**20} MiB"
        raise PictureError(f"cannot read {name}: {limit}; make the picture smaller", "size")
    return io.BytesIO(data)


def _open_image(file: BinaryIO, name: str, max_pixels: int, formats: tuple[str, ...] | None) -> Image.Image:
    """Read the header only; a picture that is too large is refused before any memory is taken for its pixels."""
    start = file.read(1024)
    if not start:
        raise PictureError(f"cannot read {name}: the file is empty (zero bytes); expected a picture", "kind")
    file.seek(0)
    try:
        image = Image.open(file, formats=formats)
    except Image.DecompressionBombError as error:
        count = re.search(r"\d+", str(error))
        raise _too_large(name, f"{int(count[0]):,} pixels" if count else str(error), max_pixels) from error
    except _DECODING_ERRORS as error:
        raise PictureError(f"cannot read {name}: {_kind(start)}", "kind") from error
    if image.format in _REFUSED_FORMATS:
        unsupported = f"{image.format} files are not supported"
        raise PictureError(f"cannot read {name}: {unsupported}; export it as PNG or JPEG", "kind")
    if image.width * image.height > max_pixels:
        raise _too_large(name, f"{image.width} x {image.height} pixels", max_pixels)
    return image


def _too_large(name: str, size: str, max_pixels: int) -> PictureError:
    expected = f"expected at most {max_pixels:,} pixels, so shrink it first"
    return PictureError(f"cannot read {name}: too large ({size}); {expected}", "size")


def _kind(start: bytes) -> str:
    """What a file that Pillow does not know probably is, and what to do."""
    if b"<svg" in start.lower():
        return "it is an SVG drawing, which has no pixels; export it as PNG"
    if start[4:12] in (b"ftypheic", b"ftypheix", b"ftypmif1"):
        return "it is a HEIC photo; export it as JPEG (on an iPhone: Settings, Camera, Formats, Most Compatible)"
    if all(byte >= 32 or byte in b"\t\n\f\r" for byte in start):
        return "it is text, not a picture; expected PNG, JPEG, WebP or another picture format"
    return "it is not a picture in a known format, or its header is damaged; expected PNG, JPEG, WebP or the like"


def _decode(image: Image.Image, size_pixels: int, name: str) -> Pixels:
    image.draft(None, (4 * size_pixels, 4 * size_pixels))
    orientation = _orientation(image)
    image.load()
    image = _to_rgb(image, name)
    if orientation in _ORIENTATIONS:
        image = image.transpose(_ORIENTATIONS[orientation])
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    image = image.crop((left, top, left + side, top + side))
    if side != size_pixels:
        image = image.resize((size_pixels, size_pixels), Image.Resampling.BICUBIC, reducing_gap=4.0)
    return np.array(image, dtype=np.uint8)


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; a picture whose EXIF is broken is taken as upright."""
    try:
        return int(image.getexif().get(_ORIENTATION_TAG, 1))
    except _DECODING_ERRORS:
        return 1


def _to_rgb(image: Image.Image, name: str) -> Image.Image:
    if image.mode.startswith("I") or image.mode == "F":
        return Image.fromarray(_to_bytes(image, name)).convert("RGB")
    if image.mode == "LAB":
        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB")
        return converted if converted is not None else image
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
    return image.convert("RGB")


def _to_bytes(image: Image.Image, name: str) -> Pixels:
    """Scale 16-bit, 32-bit and float grey values to 0..255.

    16-bit files span 0..65535 by definition. In the others the values tell: within 0..1 (floats), 0..255 and 0..65535
    they are taken as such; outside of these, the smallest becomes black and the largest white.
    """
    values = np.asarray(image).astype(np.float64)
    if not np.isfinite(values).all():
        raise PictureError(f"cannot read {name}: it holds values that are not finite; expected numbers only", "damage")
    low, high = values.min(), values.max()
    if image.mode.startswith("I;16") or image.format in ("PNG", "PPM"):
        low, high = 0.0, 65535.0
    elif low >= 0 and high <= 65535:
        limits = (1.0, 255.0, 65535.0) if image.mode == "F" else (255.0, 65535.0)
        low, high = 0.0, next(limit for limit in limits if high <= limit)
    scaled = (values - low) * (255.0 / (high - low)) if high > low else np.zeros_like(values)
    result: Pixels = np.rint(scaled).astype(np.uint8)
    return result


@functools.cache
def _endings() -> frozenset[str]:
    endings = Image.registered_extensions().items()
    return frozenset(ending for ending, kind in endings if kind in Image.OPEN and kind not in _REFUSED_FORMATS)


def _reason(error: BaseException) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
