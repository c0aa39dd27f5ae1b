"""Uploads that nobody would send in good faith: whatever comes, the answer is 2xx or 4xx."""

import io
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

FEW, MANY = 100, 1500


def _seeds() -> list[bytes]:
    """Small pictures of every format that is read, and of some that are not."""
    rng = np.random.default_rng(0)
    colours = Image.fromarray(rng.integers(0, 256, (12, 9, 3), dtype=np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6
    variants: list[tuple[Image.Image, str, dict]] = [
        (colours, kind, {}) for kind in ("png", "jpeg", "gif", "webp", "bmp", "tiff", "ppm", "avif", "tga", "ico")
    ]
    variants += [
        (colours.convert("CMYK"), "jpeg", {"exif": exif}),
        (colours.convert("CMYK"), "tiff", {}),
        (colours.convert("LAB"), "tiff", {}),
        (colours, "jpeg", {"progressive": True, "exif": exif}),
        (colours, "tiff", {"compression": "tiff_lzw"}),
        (colours, "tiff", {"compression": "tiff_adobe_deflate"}),
        (colours.convert("1"), "tiff", {"compression": "group4"}),
        (colours.convert("F"), "tiff", {}),
        (colours.convert("P"), "png", {"transparency": 3}),
        (colours.convert("RGBA"), "webp", {"lossless": True}),
        (Image.fromarray(rng.integers(0, 65536, (9, 7), dtype=np.uint16)), "png", {}),
        (colours, "gif", {"save_all": True, "append_images": [colours.rotate(90)] * 3}),
        (colours, "png", {"save_all": True, "append_images": [colours.rotate(90)] * 2}),
    ]
    encoded = []
    for picture, kind, options in variants:
        file = io.BytesIO()
        picture.save(file, kind, **options)
        encoded.append(file.getvalue())
    return [*encoded, b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%!PS-Adobe-3.0 EPSF-3.0\n", b""]


SEEDS = _seeds()
SPLICES = st.tuples(st.integers(0, 2**16), st.integers(0, 12), st.binary(max_size=12))


@st.composite
def pictures(draw: Callable) -> bytes:
    """A picture with some bytes changed, cut out or put in; or bytes that only begin like one."""
    seed = draw(st.sampled_from(SEEDS))
    if draw(st.integers(0, 4)) == 0:
        return seed[: draw(st.integers(0, 32))] + draw(st.binary(max_size=200))
    data = bytearray(seed)
    for place, removed, inserted in draw(st.lists(SPLICES, max_size=6)):
        start = place % (len(data) + 1)
        data[start : start + removed] = inserted
    return bytes(data[: draw(st.integers(0, len(data)))] if draw(st.booleans()) else data)


def check(client, data: bytes, other: bytes) -> None:
    form = client.post(
        "/v1/predict", files=[("images", ("one", data)), ("images", ("two", other))][: 1 + len(other) % 2]
    )
    assert 200 <= form.status_code < 500, form.text
    assert form.status_code < 300 or form.json()["detail"]


def check_body(client, kind: str, body: bytes) -> None:
    answer = client.post("/v1/predict", content=body, headers={"content-type": kind})
    assert 200 <= answer.status_code < 500, answer.text


KINDS = st.one_of(
    st.sampled_from(
        [
            "multipart/form-data; boundary=x", "multipart/form-data; boundary=x; charset=utf-16",
            "multipart/form-data; boundary=x; charset=\x00", "multipart/form-data; boundary=", "application/json",
            "multipart/form-data; charset=rot13; boundary=x",
        ]
    ),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60),
)  # fmt: skip
PIECES = st.sampled_from(
    [
        b"--x\r\n", b"--x--\r\n", b"\r\n", b"Content-Disposition: form-data", b'; name="images"', b'; filename="a"',
        b"; filename*=utf-8''%ff", b"; name*=utf-8''images", b"Content-Type: image/png\r\n", b'{"images": [', b'"aGk="',
        b"]}", b",", b'"top_k": 1e400', b'"model": "\\ud800"', b"null", b"\x00", b"\xff", SEEDS[0],
    ]
)  # fmt: skip
BODIES = st.lists(st.one_of(PIECES, st.binary(max_size=20)), max_size=14).map(b"".join)


@settings(max_examples=FEW, suppress_health_check=list(HealthCheck))
@given(pictures(), st.binary(max_size=3))
def test_a_hundred_damaged_pictures(client, data, other):
    check(client, data, other)


@settings(max_examples=FEW, suppress_health_check=list(HealthCheck))
@given(KINDS, BODIES)
def test_a_hundred_damaged_requests(client, kind, body):
    check_body(client, kind, body)


@pytest.mark.thorough
@settings(max_examples=MANY, suppress_health_check=list(HealthCheck))
@given(pictures(), st.binary(max_size=3))
def test_many_damaged_pictures(client, data, other):
    check(client, data, other)


@pytest.mark.thorough
@settings(max_examples=MANY, suppress_health_check=list(HealthCheck))
@given(KINDS, BODIES)
def test_many_damaged_requests(client, kind, body):
    check_body(client, kind, body)
