"""Uploaded pictures: what is read, what is refused and with which status, and that nothing touches the disk."""

import io
import struct
import tempfile
import time
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image

from cifarlab.web.predictions.uploads import UploadError, decode_base64, decode_picture

SHAPE = (32, 32, 3)
MOST = 40_000_000


def decode(data: bytes, shape=SHAPE, max_pixels=MOST) -> np.ndarray:
    return decode_picture(data, shape, max_pixels=max_pixels, name="it")


def refused(data: bytes, **options) -> UploadError:
    with pytest.raises(UploadError) as caught:
        decode(data, **options)
    assert str(caught.value).startswith("cannot read it: ")
    return caught.value


def png_with_size(width: int, height: int, rows: int) -> bytes:
    """A PNG whose header promises `width` x `height` grey pixels, of which `rows` rows of zeros follow."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    content = zlib.compress(bytes(rows * (width + 1)), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", content) + chunk(b"IEND", b"")


@pytest.fixture
def halves() -> Image.Image:
    """64 x 64: red above, blue below."""
    picture = Image.new("RGB", (64, 64), (255, 0, 0))
    picture.paste((0, 0, 255), (0, 32, 64, 64))
    return picture


def test_a_picture_of_the_right_size_keeps_every_byte(encode):
    pixels = np.random.default_rng(0).integers(0, 256, SHAPE, dtype=np.uint8)
    np.testing.assert_array_equal(decode(encode(pixels)), pixels)


def test_a_model_of_grey_images_gets_luminance(encode, halves):
    grey = decode(encode(halves), shape=(32, 32, 1))
    assert grey.shape == (32, 32, 1)
    assert (grey[2, 2, 0], grey[-2, 2, 0]) == (76, 29)  # 0.299 and 0.114 of 255


def test_a_decompression_bomb_is_refused_by_its_header():
    bomb = png_with_size(50_000, 50_000, rows=2000)
    assert len(bomb) < 200_000  # of 100 million bytes that it would unfold to, and 2.5 billion that it promises
    tracemalloc.start()
    error = refused(bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert error.status == 413
    assert peak < 2_000_000


def test_pixels_are_counted_against_the_limit(encode):
    assert refused(encode(Image.new("L", (200, 101))), max_pixels=20_000).status == 413
    assert decode(encode(Image.new("L", (200, 100))), max_pixels=20_000).shape == SHAPE


def test_a_bomb_in_a_small_frame_ends_early():
    """More data than the header promises is not unfolded."""
    width = 64
    data = png_with_size(width, 64, rows=1_000_000)
    began = time.process_time()
    assert decode(data).max() == 0
    assert time.process_time() - began < 5


def test_of_100_frames_of_a_gif_the_first_is_read(encode):
    frames = [Image.new("RGB", (48, 48), (200, 30, 30)), *(Image.new("RGB", (48, 48), (0, n, 255)) for n in range(99))]
    data = encode(frames[0], "gif", save_all=True, append_images=frames[1:], duration=20)
    with Image.open(io.BytesIO(data)) as stored:
        assert getattr(stored, "n_frames", 1) == 100
    pixels = decode(data)
    assert abs(pixels.astype(int) - (200, 30, 30)).max() <= 8


@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.95])
def test_a_truncated_jpeg_is_refused(encode, share):
    pixels = np.random.default_rng(1).integers(0, 256, (300, 300, 3), dtype=np.uint8)
    data = encode(pixels, "jpeg")
    error = refused(data[: int(share * len(data))])
    assert error.status in (415, 422)


@pytest.mark.parametrize("text", ["<svg xmlns='http://www.w3.org/2000/svg'/>", "<?xml version='1.0'?><!-- --><svg>"])
def test_svg_is_refused(text):
    error = refused(text.encode())
    assert error.status == 415
    assert "SVG" in str(error)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_honoured(encode, orientation):
    upright = Image.new("RGB", (64, 64), "white")
    upright.paste((255, 0, 0), (0, 0, 32, 32))  # red where the upper left is
    # What a camera stores so that turning it by the tag gives `upright`.
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }  # fmt: skip
    stored = upright.transpose(turns[orientation]) if orientation in turns else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    pixels = decode(encode(stored, "jpeg", quality=95, exif=exif))
    assert pixels[4, 4].tolist() == pytest.approx([255, 0, 0], abs=12)
    assert pixels[4, 28].tolist() == pytest.approx([255, 255, 255], abs=12)


def test_cmyk_becomes_rgb(encode):
    pixels = decode(encode(Image.new("CMYK", (64, 64), (0, 255, 255, 0)), "jpeg", quality=95))
    assert pixels[16, 16].tolist() == pytest.approx([255, 0, 0], abs=12)


def test_16_bits_are_scaled(encode):
    deep = np.full((32, 32), 65535, np.uint16)
    deep[:16] = 32768
    pixels = decode(encode(Image.fromarray(deep)))
    assert pixels[0, 0].tolist() == [128, 128, 128]
    assert pixels[31, 0].tolist() == [255, 255, 255]


def test_a_palette_is_looked_up(encode):
    picture = Image.new("P", (32, 32), 1)
    picture.putpalette([0, 0, 0, 10, 200, 90])
    for kind in ("png", "gif"):
        assert decode(encode(picture, kind))[5, 5].tolist() == [10, 200, 90]


def test_transparency_lies_over_white(encode):
    clear = Image.new("RGBA", (32, 32), (255, 0, 0, 0))
    clear.paste((0, 0, 255, 255), (0, 0, 16, 32))
    for kind in ("png", "webp"):
        pixels = decode(encode(clear, kind, **({"lossless": True} if kind == "webp" else {})))
        assert pixels[5, 5].tolist() == [0, 0, 255]
        assert pixels[5, 25].tolist() == [255, 255, 255]


@pytest.mark.parametrize("kind", ["png", "jpeg", "gif", "webp", "bmp", "tiff", "ppm", "avif"])
def test_the_formats_that_people_have_are_read(encode, halves, kind):
    pixels = decode(encode(halves, kind))
    assert pixels[4, 16].tolist() == pytest.approx([255, 0, 0], abs=12)
    assert pixels[28, 16].tolist() == pytest.approx([0, 0, 255], abs=12)


@pytest.mark.parametrize("kind", ["tga", "pcx", "sgi", "dds"])
def test_rare_decoders_are_kept_from_strangers(encode, halves, kind):
    assert refused(encode(halves, kind)).status == 415


@pytest.mark.parametrize(
    ("data", "status"),
    [(b"", 415), (b"hello", 415), (b"\xff\xd8\xff", 422), (b"\x89PNG\r\n\x1a\n", 422), (bytes(range(256)) * 40, 415)],
)
def test_what_is_no_picture_is_refused(data, status):
    assert refused(data).status == status


def test_heic_is_called_by_its_name():
    assert "HEIC" in str(refused(b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(50)))


def test_base64_is_read_strictly():
    assert decode_base64("aGk=", "it") == b"hi"
    assert decode_base64("data:image/png;base64,aGk=", "it") == b"hi"
    for wrong in ("a", "aGk", "!!!!", "aGk=\x00", "ä"):
        with pytest.raises(UploadError) as caught:
            decode_base64(wrong, "it")
        assert caught.value.status == 422


@pytest.mark.parametrize("address", ["/v1/predict", "/classify"])
def test_nothing_is_written_to_disk(client, encode, monkeypatch, tmp_path, address):
    """Starlette's own parser would, from one megabyte on."""

    def forbidden(*_args, **_options):
        raise AssertionError("an upload was written to disk")

    monkeypatch.setattr(tempfile.SpooledTemporaryFile, "rollover", forbidden)
    monkeypatch.setattr(tempfile, "NamedTemporaryFile", forbidden)
    monkeypatch.setattr(tempfile, "TemporaryFile", forbidden)
    noise = np.random.default_rng(0).integers(0, 256, (1200, 1200, 3), dtype=np.uint8)
    data = encode(noise, compress_level=0)
    assert len(data) > 4 * 2**20
    before = sorted(tmp_path.rglob("*"))
    field = "images" if address == "/v1/predict" else "picture"
    answer = client.post(address, files={field: ("noise.png", data)})
    assert answer.status_code == 200, answer.text
    assert sorted(tmp_path.rglob("*")) == before
