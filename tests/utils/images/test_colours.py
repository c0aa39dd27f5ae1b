"""Every mode and depth looks as its 8-bit RGB twin."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from cifarlab.utils.images import read_image
from cifarlab.utils.images._colours import measure_span, reduce_to_rgb

SIDE = 32
RAMP = np.arange(SIDE * SIDE, dtype=np.uint32).reshape(SIDE, SIDE) % 256
GREY = Image.fromarray(RAMP.astype(np.uint8))
COLOUR = Image.fromarray(np.stack([RAMP, RAMP[::-1], RAMP.T], axis=-1).astype(np.uint8))
ALPHA = Image.fromarray(np.where(np.arange(SIDE)[:, None] < 16, 255, np.arange(SIDE)[None] * 8).astype(np.uint8))


def to_rgb(image, factor=1):
    return reduce_to_rgb(image, (0, 0, *image.size), factor, "", measure_span(image))


def over_white(image):
    """By hand: colour times its opacity, white for the rest."""
    opacity = np.asarray(ALPHA, float)[..., None] / 255
    return np.asarray(image.convert("RGB"), float) * opacity + 255 * (1 - opacity)


def with_alpha(mode):
    image = (GREY if mode in ("LA", "La") else COLOUR).convert(mode.upper())
    image.putalpha(ALPHA)
    return image.convert(mode)


def deep(dtype, factor):
    return Image.fromarray((RAMP * factor).astype(dtype))


BITS = GREY.convert("1")
PALETTE = COLOUR.quantize(64)
OPAQUE = [
    ("1", BITS, BITS),
    ("L", GREY, GREY),
    ("P", PALETTE, PALETTE),
    ("RGB", COLOUR, COLOUR),
    ("RGBX", COLOUR.convert("RGBX"), COLOUR),
    ("CMYK", COLOUR.convert("CMYK"), COLOUR),
    ("YCbCr", COLOUR.convert("YCbCr"), COLOUR),
    ("HSV", COLOUR.convert("HSV"), COLOUR),
    ("I", deep(np.int32, 1), GREY),
    ("I of 16 bits", deep(np.int32, 257), GREY),
    ("I;16", deep(np.uint16, 257), GREY),
    ("I;16B", deep(">u2", 257), GREY),
    ("F to 1", deep(np.float32, 1 / 255), GREY),
    ("F to 255", deep(np.float32, 1), GREY),
]


@pytest.mark.parametrize(("image", "twin"), [row[1:] for row in OPAQUE], ids=[row[0] for row in OPAQUE])
def test_opaque_modes(image, twin):
    difference = np.asarray(to_rgb(image), float) - np.asarray(twin.convert("RGB"), float)
    assert np.abs(difference).max() <= {"HSV": 12, "YCbCr": 4}.get(image.mode, 2)


@pytest.mark.parametrize(("image", "twin"), [row[1:] for row in OPAQUE], ids=[row[0] for row in OPAQUE])
def test_a_large_picture_is_reduced_strip_by_strip_as_if_it_were_whole(image, twin, monkeypatch):
    whole = to_rgb(image).reduce(5)
    monkeypatch.setattr("cifarlab.utils.images._colours._STRIP", 10)
    assert np.array_equal(np.asarray(to_rgb(image, 5)), np.asarray(whole))


@pytest.mark.parametrize("mode", ["LA", "La", "RGBA", "RGBa"])
def test_transparency_lies_over_white(mode):
    twin = over_white(GREY if mode in ("LA", "La") else COLOUR)
    shown = np.asarray(to_rgb(with_alpha(mode)), float)
    assert np.abs(shown - twin).max() <= 3


def test_a_palette_with_an_alpha_band():
    image = Image.merge("LA", [PALETTE.getchannel(0), ALPHA])
    image = Image.frombytes("PA", image.size, image.tobytes())
    image.putpalette(PALETTE.getpalette())
    assert np.abs(np.asarray(to_rgb(image), float) - over_white(PALETTE)).max() <= 2


def png(bits, kind, rows, *chunks):
    """A PNG of the raw rows, each `bytes`."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", SIDE, SIDE, bits, kind, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows))
    middle = b"".join(chunk(name, data) for name, data in chunks)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + middle + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_a_transparent_grey_of_every_depth(bits):
    levels = np.arange(SIDE * SIDE).reshape(SIDE, SIDE) % min(2**bits, 256)
    key = 1
    if bits == 16:
        rows, stored = (levels * 257).astype(">u2"), key * 257
        packed = [row.tobytes() for row in rows]
    else:
        planes = (levels[..., None] >> np.arange(bits)[::-1]) & 1
        packed, stored = [row.tobytes() for row in np.packbits(planes.reshape(SIDE, -1), axis=1)], key
    shown = read_image(png(bits, 0, packed, (b"tRNS", struct.pack(">H", stored))))
    expected = np.where(levels == key, 255, np.rint(levels * 255 / (min(2**bits, 256) - 1)))
    np.testing.assert_array_equal(shown[..., 0], expected)


@pytest.mark.parametrize("bits", [8, 16])
def test_a_transparent_colour_of_both_depths(bits):
    pixels = np.asarray(COLOUR).astype(int)
    key = pixels[5, 7]
    factor, kind = (257, ">u2") if bits == 16 else (1, "u1")
    rows = [row.tobytes() for row in (pixels * factor).astype(kind)]
    shown = read_image(png(bits, 2, rows, (b"tRNS", struct.pack(">HHH", *(key * factor).tolist()))))
    expected = np.where((pixels == key).all(axis=-1, keepdims=True), 255, pixels)
    np.testing.assert_array_equal(shown, expected)


@pytest.mark.parametrize("kind", [4, 6])
def test_an_alpha_band_of_16_bits(kind):
    bands = [np.asarray(GREY)] if kind == 4 else list(np.moveaxis(np.asarray(COLOUR), -1, 0))
    deep_pixels = np.stack([*bands, np.asarray(ALPHA)], axis=-1).astype(int) * 257
    shown = read_image(png(16, kind, [row.tobytes() for row in deep_pixels.astype(">u2")]))
    assert np.abs(shown - over_white(GREY if kind == 4 else COLOUR)).max() <= 2


def test_a_palette_with_a_transparency_for_each_colour():
    file = io.BytesIO()
    PALETTE.save(file, "PNG", transparency=bytes([0, 128]))
    opacity = np.select([np.asarray(PALETTE) == 0, np.asarray(PALETTE) == 1], [0.0, 128 / 255], 1.0)[..., None]
    expected = np.asarray(PALETTE.convert("RGB")) * opacity + 255 * (1 - opacity)
    assert np.abs(read_image(file.getvalue()) - expected).max() <= 2


def test_inks_of_a_jpeg_are_not_inverted():
    smooth = Image.linear_gradient("L").resize((SIDE, SIDE)).convert("RGB")
    file = io.BytesIO()
    smooth.convert("CMYK").save(file, "JPEG", quality=95)
    assert b"Adobe" in file.getvalue()  # these programs store inks upside down
    assert np.abs(read_image(file.getvalue()).astype(int) - np.asarray(smooth)).max() <= 6


def test_the_floats_of_a_pfm_are_no_16_bit_numbers():
    levels = np.asarray(deep(np.float32, 1 / 255))
    data = b"Pf\n%d %d\n-1.0\n" % levels.shape[::-1] + np.flipud(levels).astype("<f4").tobytes()
    assert np.abs(read_image(data).astype(float) - np.asarray(GREY.convert("RGB"), float)).max() <= 2
