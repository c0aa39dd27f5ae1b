"""Which formats are read, with whose help, and what a file that is in none of them probably is."""

import contextlib
import functools
import importlib
import importlib.util
import logging
from collections.abc import Collection

from PIL import Image

from cifarlab.utils.images._errors import Fault

# What Pillow's parsers log about odd files would reach standard error beside our own line.
logging.getLogger("PIL").addHandler(logging.NullHandler())

# Formats that Pillow recognises, but reads by starting another program or not at all.
REFUSED = frozenset({"BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF"})

# Formats whose files begin with bytes that nothing else begins with: what begins so and cannot be opened is damaged.
_UNMISTAKABLE = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"\xff\x4f\xff\x51": "JPEG2000",
    b"\0\0\0\x0cjP  ": "JPEG2000",
    b"8BPS\0\x01": "PSD",
    b"qoif": "QOI",
}
_HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
HEIC_ADVICE = "install pillow-heif (pip install 'cifarlab[heic]')"


@functools.cache
def prepare() -> None:
    """Let Pillow know every format that can be had: its own, and HEIC and AVIF where their plug-ins are installed."""
    Image.init()
    if importlib.util.find_spec("pillow_heif"):
        # A plug-in whose own library is missing is as good as none.
        with contextlib.suppress(ImportError, OSError):
            importlib.import_module("pillow_heif").register_heif_opener()
    if not importlib.util.find_spec("PIL._avif") and importlib.util.find_spec("pillow_avif"):
        with contextlib.suppress(ImportError, OSError):
            importlib.import_module("pillow_avif")


def known(formats: tuple[str, ...] | None) -> list[str]:
    """Those of `formats` that are read on this machine; all for None."""
    prepare()
    return [name for name in (formats or Image.OPEN) if name in Image.OPEN]


@functools.cache
def endings() -> frozenset[str]:
    """Endings of the files that are taken for pictures, in small letters, such as `".png"`."""
    prepare()
    refused = REFUSED if _reads_avif() else REFUSED | {"AVIF"}
    pairs = Image.registered_extensions().items()
    return frozenset(ending for ending, kind in pairs if kind in Image.OPEN and kind not in refused)


def guess(start: bytes, allowed: Collection[str]) -> tuple[str, str, Fault]:
    """What a file that Pillow does not open probably is, what to do about it, and whose fault it is.

    Args:
        start: Its first bytes, up to 1,024.
        allowed: Pillow's names of the formats that were tried.
    """
    for signature, name in _UNMISTAKABLE.items():
        if start.startswith(signature):
            if name not in allowed:
                return f"it is a {name} file", f"expected one of {', '.join(allowed)}", "kind"
            return f"the {name} file is damaged or truncated", "export it again", "damage"
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "the WebP file is damaged or truncated", "export it again", "damage"
    if b"<svg" in start.lower():
        return "it is an SVG drawing, which has no pixels", "export it as PNG", "kind"
    if start[4:8] == b"ftyp":
        return _guess_container(start[8:12])
    if all(byte >= 32 or byte in b"\t\n\f\r" for byte in start):
        return "it is text, not a picture", "expected PNG, JPEG, WebP or another picture format", "kind"
    unknown = "it is not a picture in a known format, or its header is damaged"
    return unknown, "expected PNG, JPEG, WebP or the like", "kind"


def _guess_container(brand: bytes) -> tuple[str, str, Fault]:
    """HEIC, AVIF and films come in one container and differ by its brand."""
    if brand in (b"avif", b"avis"):
        if _reads_avif():
            return "the AVIF file is damaged or truncated", "export it again", "damage"
        return "it is an AVIF picture", "install pillow-avif-plugin, or export it as JPEG or PNG", "kind"
    if brand in _HEIC:
        if "HEIF" in Image.OPEN:
            return "the HEIC file is damaged or truncated", "export it again", "damage"
        phone = "on an iPhone: Settings, Camera, Formats, Most Compatible"
        return "it is a HEIC photo", f"{HEIC_ADVICE}, or export it as JPEG ({phone})", "kind"
    return "it is a film, not a picture", "export one of its pictures as PNG or JPEG", "kind"


def _reads_avif() -> bool:
    return any(importlib.util.find_spec(name) is not None for name in ("PIL._avif", "pillow_avif"))
