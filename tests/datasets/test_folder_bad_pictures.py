"""Pictures of a folder that cannot be read, or are more than one thing: each is named."""

import shutil
import struct
import zlib

import pytest

from cifarlab.datasets import load_data
from cifarlab.utils.errors import CifarlabError


def enormous_png():
    header = b"IHDR" + struct.pack(">IIBBBBB", 20_000, 20_000, 1, 0, 0, 0, 0)
    chunks = [
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in (header, b"IEND")
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.parametrize(
    ("data", "reason"), [(b"a note", "it is text"), (b"", "zero bytes"), (enormous_png(), "too large")]
)
def test_a_picture_that_cannot_be_read_is_named(pictures, data, reason):
    bad = pictures / "cat" / "05.png"
    bad.write_bytes(data)
    with pytest.raises(CifarlabError, match=reason) as caught:
        load_data(f"folder:{pictures}")
    assert str(bad) in str(caught.value)


def test_every_bad_picture_is_named_at_once(pictures):
    bad = ["cat/03.png", "cat/09.png", "dog/01.png"]
    for name in bad:
        (pictures / name).write_text("<html>404</html>")
    (pictures / "dog" / "02.png").write_bytes(b"\xff\xd8\xff\xe0garbage")
    with pytest.raises(CifarlabError, match="4 of 30 pictures") as caught:
        load_data(f"folder:{pictures}")
    assert all(name in str(caught.value) for name in [*bad, "dog/02.png"])
    assert "it is text, not a picture (3)" in str(caught.value)
    assert "JPEG file is damaged or truncated (1)" in str(caught.value)


def test_a_picture_in_two_classes_is_said(pictures):
    shutil.copy(pictures / "cat" / "03.png", pictures / "dog" / "x.png")
    notice = "1 picture lies in more than one class (cat/03.png and dog/x.png): one of the labels is wrong."
    assert notice in load_data(f"folder:{pictures}").source.notices


def test_a_damaged_picture_is_named(pictures):
    data = bytearray((pictures / "cat" / "03.png").read_bytes())
    data[data.index(b"IDAT") + 8] ^= 1
    (pictures / "cat" / "03.png").write_bytes(data)
    with pytest.raises(CifarlabError, match=r"cat/03\.png: the PNG file is damaged or truncated"):
        load_data(f"folder:{pictures}")
