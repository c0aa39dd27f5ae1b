import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.images import PictureError, list_pictures, read_each, read_image, say_unreadable

NOISE = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)


def encode(image, file_format="PNG", **options):
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


def png_header(width, height):
    """The beginning of a PNG that claims a size, without any pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    chunks = [
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in (header, b"IEND")
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def test_a_picture_of_the_right_size_keeps_every_byte(tmp_path):
    path = tmp_path / "noise.png"
    path.write_bytes(encode(Image.fromarray(NOISE)))
    for source in (path, path.read_bytes(), io.BytesIO(path.read_bytes())):
        image = read_image(source)
        assert image.dtype == np.uint8
        np.testing.assert_array_equal(image, NOISE)


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "TGA", "ICO", "JPEG2000"])
def test_formats(file_format):
    image = read_image(encode(Image.new("RGB", (50, 70), (200, 100, 40)), file_format))
    assert image.shape == (32, 32, 3)
    assert np.abs(image.astype(int) - (200, 100, 40)).max() <= 4


@pytest.mark.parametrize(
    ("mode", "color", "expected"),
    [
        ("1", 1, (255, 255, 255)),
        ("L", 77, (77, 77, 77)),
        ("LA", (77, 0), (255, 255, 255)),
        ("RGBA", (200, 100, 0, 51), (244, 224, 204)),
        ("CMYK", (255, 0, 0, 0), (0, 255, 255)),
        ("I;16", 32_896, (128, 128, 128)),
        ("I", 65_535, (255, 255, 255)),
        ("I", 128, (128, 128, 128)),
        ("F", 1.0, (255, 255, 255)),
        ("F", 200.0, (200, 200, 200)),
        ("LAB", (255, 128, 128), (255, 255, 255)),
    ],
)
def test_modes_become_rgb(mode, color, expected):
    image = read_image(encode(Image.new(mode, (20, 30), color), "TIFF"))
    assert np.abs(image.astype(int) - expected).max() <= 2


def test_16_bit_png_spans_its_full_range():
    ramp = np.linspace(0, 65_535, 32 * 32).reshape(32, 32).astype(np.uint16)
    image = read_image(encode(Image.fromarray(ramp)))
    np.testing.assert_array_equal(image[..., 0], np.rint(ramp / 257))


def test_values_out_of_every_range_are_stretched():
    values = np.linspace(-5, 5, 32 * 32, dtype=np.float32).reshape(32, 32)
    image = read_image(encode(Image.fromarray(values), "TIFF"))
    assert (image.min(), image.max()) == (0, 255)


def test_palette_transparency_lies_over_white():
    image = Image.new("P", (32, 32), 0)
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.paste(1, (0, 0, 16, 32))
    pixels = read_image(encode(image, transparency=0))
    assert pixels[0, 0].tolist() == [0, 0, 255]
    assert pixels[0, 31].tolist() == [255, 255, 255]


@pytest.mark.parametrize("options", [{}, {"compression": "tiff_lzw"}, {"lossless": True}])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation, options):
    exif = Image.Exif()
    exif[0x0112] = orientation
    file_format = {(): "PNG", ("compression",): "TIFF", ("lossless",): "WEBP"}[tuple(options)]
    data = encode(Image.fromarray(NOISE), file_format, exif=exif, **options)
    np.testing.assert_array_equal(read_image(data), np.array(ImageOps.exif_transpose(Image.open(io.BytesIO(data)))))


@pytest.mark.parametrize("file_format", ["GIF", "WEBP", "TIFF"])
def test_first_frame_of_animations(file_format):
    frames = [Image.new("RGB", (40, 40), color) for color in ("red", "lime", "blue")]
    options = {"lossless": True} if file_format == "WEBP" else {}
    data = encode(frames[0], file_format, save_all=True, append_images=frames[1:], **options)
    assert read_image(data)[16, 16].tolist() == [255, 0, 0]


@pytest.mark.parametrize("size", [(90, 30), (30, 90)])
def test_the_centre_square_is_kept(size):
    image = Image.new("RGB", size, "black")
    left, top = (size[0] - 30) // 2, (size[1] - 30) // 2
    image.paste("white", (left, top, left + 30, top + 30))
    assert read_image(encode(image)).min() == 255


@pytest.mark.parametrize("file_format", ["PNG", "JPEG"])
def test_shrinking_is_antialiased(file_format):
    stripes = np.zeros((1000, 1000), np.uint8)
    stripes[:, ::2] = 255
    image = read_image(encode(Image.fromarray(stripes), file_format))
    assert np.abs(image[4:-4, 4:-4].astype(int) - 128).max() <= 3


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"just a note\n", "text"),
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b"\x00\x01\x02\x03" * 50, "not a picture"),
        (encode(Image.fromarray(NOISE))[:1500], "truncated"),
        (encode(Image.fromarray(NOISE), "JPEG")[:700], "truncated"),
        (encode(Image.fromarray(NOISE), "EPS"), "EPS"),
        (png_header(20_000, 20_000), "400,000,000 pixels"),
        (png_header(10_000, 10_000), "10000 x 10000 pixels"),
        (png_header(9_000, 8_000), "9000 x 8000 pixels"),
    ],
)
def test_refusals_are_one_line_that_names_the_file(tmp_path, data, reason):
    path = tmp_path / "odd.png"
    path.write_bytes(data)
    with pytest.raises(CifarlabError, match=reason) as caught:
        read_image(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(CifarlabError, match="No such file"):
        read_image(tmp_path / "none.png")
    with pytest.raises(CifarlabError, match="directory"):
        read_image(tmp_path)


def test_a_stream_that_cannot_seek_and_has_a_name():
    class Pipe(io.RawIOBase):
        def __init__(self, data):
            self.data = io.BytesIO(data)

        def read(self, size=-1):
            return self.data.read(size)

    np.testing.assert_array_equal(read_image(Pipe(encode(Image.fromarray(NOISE)))), NOISE)
    with pytest.raises(CifarlabError, match="standard input"):
        read_image(Pipe(b""), name="standard input")


@settings(max_examples=150, deadline=None)
@given(
    file_format=st.sampled_from(["PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "ICO", "TGA"]),
    damage=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=8),
    keep=st.floats(0.05, 1),
)
def test_damaged_files_are_read_or_refused_but_nothing_else(file_format, damage, keep):
    data = bytearray(encode(Image.fromarray(NOISE[:16, :16]), file_format))
    for place, value in damage:
        data[place % len(data)] = value
    try:
        image = read_image(bytes(data[: int(len(data) * keep)]))
    except CifarlabError:
        return
    assert image.shape == (32, 32, 3)


def test_list_pictures_leaves_out_hidden_files_and_other_kinds(tmp_path):
    for name in ("b.PNG", "a.jpeg", ".hidden.png", "notes.txt", "c.webp"):
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    assert [path.name for path in list_pictures(tmp_path)] == ["a.jpeg", "b.PNG", "c.webp"]
    with pytest.raises(CifarlabError, match="No such file"):
        list_pictures(tmp_path / "none")


def test_many_pictures_are_read_in_order_and_the_bad_ones_are_named(tmp_path):
    paths = [tmp_path / f"{value}.png" for value in range(40)]
    for value, path in enumerate(paths):
        path.write_bytes(encode(Image.new("L", (8, 8), value)))
    shares = []
    read = []
    keep = lambda index, picture: read.append((index, picture))  # noqa: E731
    errors = read_each(paths, keep, 4, lambda _, share: shares.append(share))
    assert not errors
    assert [(index, picture.pixels[0, 0, 0]) for index, picture in read] == [(value, value) for value in range(40)]
    assert read[0][1].pixels.shape == (4, 4, 3)
    assert shares[-1] == 1.0
    paths[7].write_text("not a picture")
    (error,) = read_each(paths, lambda index, picture: read.append(index), 4)
    assert "7.png" in str(error)
    assert read[40:] == [value for value in range(40) if value != 7]


def test_checksums_of_png_are_compared(tmp_path):
    file = io.BytesIO()
    Image.new("RGB", (40, 40), (9, 8, 7)).save(file, "PNG")
    whole = file.getvalue()
    assert read_image(whole).shape == (32, 32, 3)
    assert read_image(whole + b"what follows does not matter").shape == (32, 32, 3)
    for kind, place in ((b"IDAT", 9), (b"IHDR", 15)):
        broken = bytearray(whole)
        broken[whole.index(kind) + place] ^= 4
        with pytest.raises(PictureError, match="cannot read"):
            read_image(bytes(broken))
    with pytest.raises(PictureError, match="ends before its last chunk"):
        read_image(whole[: whole.index(b"IEND") - 4])


def test_a_pipe_or_device_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "p.png")
    for path in (tmp_path / "p.png", Path("/dev/zero")):
        with pytest.raises(PictureError, match="it is no regular file; expected a picture file, or - for a pipe"):
            read_image(path)


def test_pictures_named_one_by_one_are_all_shown():
    errors = [PictureError(f"{number}.png", "damaged", "export it again", "damage") for number in range(30)]
    assert "and 20 more" in say_unreadable(errors, 30)
    assert "29.png" in say_unreadable(errors, 30, named=30)
