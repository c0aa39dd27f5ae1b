"""One picture or many, from bytes to small square arrays; whatever a decoder raises becomes one kind of error."""

import contextlib
import hashlib
import io
import itertools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.images._checksums import check_png
from cifarlab.utils.images._colours import measure_span, packing, reduce_to_rgb
from cifarlab.utils.images._errors import PictureError
from cifarlab.utils.images._opening import MAX_PIXELS, guarded, open_image, read_bytes, reason_of, refusal
from cifarlab.utils.machine.processor import usable_cores
from cifarlab.utils.progress import ProgressCallback
from cifarlab.utils.silence import silenced

READER = 4
"""Raised by one whenever a picture may come out otherwise than before, so that nothing kept from before is used."""

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture that was read, and what it was before.

    Attributes:
        pixels: `(S, S, 3)` uint8.
        width: In the file, in pixels.
        height: In the file, in pixels.
        mode: Pillow's name of how the pixels are stored, such as `"RGBA"`.
        format: Pillow's name of the file's format, such as `"PNG"`.
        animated: Whether there are more frames than the first, which was taken.
        content: Checksum of the file's bytes, 32 hexadecimal digits: the same for every copy of the file.
    """

    pixels: Pixels
    width: int
    height: int
    mode: str
    format: str
    animated: bool
    content: str


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
        formats: Pillow's names of the formats to try, such as `("PNG", "JPEG")`; by default all that it reads itself,
            and HEIC and AVIF where their plug-ins are installed.

    Returns:
        `(size_pixels, size_pixels, 3)` uint8.

    Raises:
        PictureError: If the file is missing, empty, not a picture, damaged, larger than `max_pixels`, or takes long to
            decode for what it shows.
    """
    with silenced():
        return _read(source, size_pixels, name, min(max_pixels, MAX_PIXELS), formats).pixels


def picture_size(data: bytes) -> tuple[int, int]:
    """Width and height in pixels, as a file's header has them.

    Raises:
        PictureError: If it is no picture, or larger than `MAX_PIXELS`.
    """
    with silenced(), contextlib.closing(open_image(data, "the picture", MAX_PIXELS, None)) as image:
        return image.size


def read_each(
    paths: Sequence[Path],
    keep: Callable[[int, Picture], None],
    size_pixels: int = 32,
    progress: ProgressCallback | None = None,
) -> list[PictureError]:
    """Read many picture files, on every core, the good ones among them.

    Args:
        paths: N picture files.
        keep: Called with the number in `paths` and the picture for each that can be read, in order.
        size_pixels: Height and width of each picture.
        progress: Called with a phrase and the share done in `[0, 1]`.

    Returns:
        Why the others cannot be read, in order.
    """
    errors: list[PictureError] = []
    workers = min(8, usable_cores())
    read = partial(_read, size_pixels=size_pixels, name="", is_identified=True)
    with silenced(), ThreadPoolExecutor(workers) as pool:
        waiting = iter(paths)
        # A short queue, so that few pictures are in memory at once.
        queue = [pool.submit(read, path) for path in itertools.islice(waiting, 4 * workers)]
        for index in range(len(paths)):
            try:  # in the order of the paths: the oldest first, though others may be done already
                keep(index, queue.pop(0).result())
            except PictureError as error:
                errors.append(error)
            queue.extend(pool.submit(read, path) for path in itertools.islice(waiting, 1))
            if progress:
                progress("reading pictures", (index + 1) / len(paths))
    return errors


def to_grey(rgb: Pixels) -> Pixels:
    """`(H, W, 3)` uint8 to its luminance, `(H, W, 1)`, by ITU-R BT.601 as in Pillow's mode L."""
    return np.asarray(Image.fromarray(rgb).convert("L"), np.uint8)[:, :, None]


def shrink(image: Pixels, largest_side: int) -> Pixels:
    """`(H, W, C)` uint8, made smaller in its proportions where a side has more pixels than `largest_side`."""
    if max(image.shape[:2]) <= largest_side:
        return image
    picture = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)
    picture.thumbnail((largest_side, largest_side), Image.Resampling.LANCZOS)
    return np.asarray(picture, np.uint8).reshape(*picture.size[::-1], image.shape[-1])


def encode_png(image: Pixels, largest_side: int | None = None, *, smallest: bool = False) -> bytes:
    """An image as PNG.

    Args:
        image: `(H, W, C)` uint8, C 1 or 3.
        largest_side: In pixels; a larger image is made smaller, in its proportions.
        smallest: Take longer for a smaller file.
    """
    shown = image if largest_side is None else shrink(image, largest_side)
    picture = Image.fromarray(shown[..., 0] if shown.shape[-1] == 1 else shown)
    file = io.BytesIO()
    picture.save(file, "png", optimize=smallest)
    return file.getvalue()


_REDUCING_GAP = 4.0  # a picture is reduced by whole pixels to so many times its size, and then resized
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
    is_identified: bool = False,
) -> Picture:
    if size_pixels < 1:
        raise CifarlabError(f"size_pixels must be at least 1. Received: {size_pixels}")
    name = name or (str(source) if isinstance(source, Path) else "the picture")
    data = read_bytes(source, name)

    with contextlib.closing(open_image(data, name, max_pixels, formats)) as image:
        width, height, mode, kind = image.width, image.height, image.mode, image.format or ""
        if kind == "PNG":
            guarded(lambda: check_png(data), lambda error: refusal(error, image, name))
        pixels = guarded(lambda: _decode(image, size_pixels), lambda error: refusal(error, image, name))
        content = hashlib.blake2b(data, digest_size=16).hexdigest() if is_identified else ""
        return Picture(pixels, width, height, mode, kind, _is_animated(image), content)


def _decode(image: Image.Image, size_pixels: int) -> Pixels:
    # All three before `load`, which forgets how samples were packed, and decodes JPEGs at the scale of the draft.
    packed = packing(image)
    image.draft(None, (4 * size_pixels, 4 * size_pixels))
    orientation = 1 if image.format == "TIFF" else _orientation(image)  # Pillow turns TIFFs itself as it loads them
    image.load()
    if image.mode in ("P", "PA") and image.palette is None:  # a copy of it would have one, all black
        raise ValueError("it has no palette")
    span = measure_span(image)  # also before: it looks at the format, which copies have not
    if orientation in _ORIENTATIONS:
        image = image.transpose(_ORIENTATIONS[orientation])
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    factor = max(1, int(side / size_pixels / _REDUCING_GAP))
    image = reduce_to_rgb(image, (left, top, left + side, top + side), factor, packed, span)
    if side != size_pixels:  # what Pillow does by itself with `reducing_gap`, from a whole picture in RGB
        square = (0.0, 0.0, side / factor, side / factor)
        image = image.resize((size_pixels, size_pixels), Image.Resampling.BICUBIC, square)
    return np.array(image, dtype=np.uint8)


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; a picture whose EXIF is broken is taken as upright."""
    try:
        return guarded(lambda: int(image.getexif().get(_ORIENTATION_TAG, 1)), _aside)
    except PictureError:
        return 1


def _is_animated(image: Image.Image) -> bool:
    try:
        return guarded(lambda: bool(getattr(image, "is_animated", False)), _aside)
    except PictureError:
        return False


def _aside(error: Exception) -> PictureError:
    return PictureError("what is told beside the picture", reason_of(error), "it is passed over", "damage")
