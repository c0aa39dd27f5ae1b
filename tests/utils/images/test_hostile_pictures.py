"""Files made to break or to occupy a decoder: each is one `PictureError`, soon."""

import io
import random
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from cifarlab.utils.images import PictureError, read_image

NOISE = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)


def encode(image, file_format, **options):
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width, height, bits, kind, *chunks):
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + chunk(b"IEND", b"")


def scanned_again_and_again():
    data = encode(Image.new("RGB", (4000, 4000)), "JPEG", progressive=True)
    last = data.rfind(b"\xff\xda")
    return data[:last] + data[last:-2] * 200 + data[-2:]


PIXELS = chunk(b"IDAT", zlib.compress(b"\0" * 6))


@pytest.mark.parametrize(
    ("data", "fault", "reason"),
    [
        (png(1, 1, 8, 3, chunk(b"IDAT", zlib.compress(b"\0\0"))), "damage", "PNG file is damaged"),
        (b"\xff\xd8\xff\xe0garbage", "damage", "JPEG file is damaged"),
        (b"GIF89a", "damage", "GIF file is damaged"),
        (b"P6\n#" + b"x" * 2_000_000 + b"\n2 2\n255\n" + b"a" * 12, "size", "too many small pieces"),
        (b"P6\n" + b"#\n" * 1_000_000 + b"2 2\n255\n" + b"a" * 12, "size", "too many small pieces"),
        (b"P3\n2 2\n255\n" + b"#x\n" * 100_000 + b"1 " * 12, "size", "full of comments"),
        (b"P1\n4000 4000\n" + b"1 " * 1000, "size", "written as text"),
        (png(1, 64_000_000, 1, 0, chunk(b"IDAT", zlib.compress(b"\0" * 1000))), "size", "too long and narrow"),
        (png(64_000_000, 1, 1, 0, chunk(b"IDAT", zlib.compress(b"\0" * 1000))), "size", "too long and narrow"),
        (png(2, 2, 8, 0, *[chunk(b"tEXt", b"a\0b")] * 300_000, PIXELS), "size", "too many small pieces"),
        (png(2, 2, 8, 0, *[chunk(b"IDAT", b"")] * 300_000, PIXELS), "size", "too many small pieces"),
        (png(2, 2, 8, 0, chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(9_000_000))), PIXELS), "damage", "damaged"),
        (b"qoif" + struct.pack(">IIBB", 8000, 7990, 3, 0) + b"\xfd" * 9000, "size", "rare format"),
        (scanned_again_and_again(), "size", "goes over its pixels too often"),
        (b"\0\0\0\x18ftypheic" + bytes(100), "kind", r"HEIC photo; install pillow-heif"),
        (b"\0\0\0\x18ftypavif" + bytes(100), "damage", "AVIF file is damaged"),
        (b"\0\0\0\x18ftypisom" + bytes(100), "kind", "a film"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_refusals(data, fault, reason):
    with pytest.raises(PictureError, match=reason) as caught:
        read_image(data, name="odd")
    assert caught.value.fault == fault
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("error", [AssertionError, KeyError, RecursionError, ZeroDivisionError, UnicodeError])
def test_whatever_a_decoder_raises_is_one_kind(monkeypatch, error):
    def fail(*_, **__):
        raise error("odd")

    data = encode(Image.fromarray(NOISE), "PNG")
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", fail)
    with pytest.raises(PictureError, match="PNG file is damaged"):
        read_image(data)
    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile._open", fail)
    with pytest.raises(PictureError, match="PNG file is damaged"):
        read_image(data)


FORMATS = [
    "AVIF", "BLP", "BMP", "DDS", "DIB", "GIF", "ICO", "JPEG", "JPEG2000", "MPO", "MSP", "PCX", "PNG",
    "PPM", "QOI", "SGI", "SPIDER", "TGA", "TIFF", "WEBP", "XBM",
]  # fmt: skip
MODES = {"BLP": "P", "MSP": "1", "XBM": "1", "SPIDER": "F"}


@pytest.mark.parametrize("file_format", FORMATS)
def test_mutations_are_read_or_refused(file_format):
    picture = Image.fromarray(NOISE).resize((16, 16)).convert(MODES.get(file_format, "RGB"))
    whole = encode(picture, file_format)
    chance = random.Random(file_format)
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 6)):
            place = chance.randrange(min(len(data), 200) if chance.random() < 0.7 else len(data))
            data[place] = chance.choice((0, 1, 127, 128, 255, chance.randrange(256)))
        try:
            image = read_image(bytes(data[: chance.randint(1, len(data))] if chance.random() < 0.2 else data), 8)
        except PictureError:
            continue
        assert image.shape == (8, 8, 3)


def test_a_whole_file_in_a_format_that_is_not_asked_for_is_not_called_damaged():
    data = encode(Image.fromarray(NOISE), "GIF")
    with pytest.raises(PictureError, match="it is a GIF file; expected one of PNG, JPEG") as caught:
        read_image(data, formats=("PNG", "JPEG"))
    assert caught.value.fault == "kind"


def test_what_a_parser_logs_stays_with_it():
    tag = struct.pack("<HHI", 277, 3, 1)  # samples per pixel
    data = encode(Image.fromarray(NOISE), "TIFF").replace(tag + b"\3\0", tag + b"\x80\0")
    program = """
import sys
from cifarlab.utils.images import PictureError, read_image
try:
    read_image(sys.stdin.buffer)
except PictureError:
    print("refused")
"""
    done = subprocess.run([sys.executable, "-c", program], input=data, capture_output=True, check=True)
    assert (done.stdout.strip(), done.stderr) == (b"refused", b"")
