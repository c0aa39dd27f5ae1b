"""Multipart forms: taken apart as Starlette's own parser does, and refused where they are none."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartParser
from starlette.requests import Request

from cifarlab.web.predictions.uploads import UploadError, _parts, read_form

KIND = "multipart/form-data; boundary=x"
# What nearly is a boundary, or a part's head, inside of a file.
PIECES = st.sampled_from(
    [b"\r\n", b"--x", b"\r\n--", b"\r\n--y", b"--x--", b"\r\n\r\n", b"-", b"\r", b"\n", b"\x00\xff"]
)
CONTENTS = st.lists(PIECES, max_size=8).map(b"".join).filter(lambda content: b"\r\n--x" not in b"\r\n" + content)
NAMES = st.sampled_from(["images", "model", "naïve", 'a\\"b', "a;b", "a b"])
FORMS = st.lists(st.tuples(NAMES, st.one_of(st.none(), NAMES), CONTENTS), max_size=4)


def part(name: str, filename: str | None, content: bytes) -> bytes:
    file = "" if filename is None else f'; filename="{filename}"\r\nContent-Type: image/png'
    return f'--x\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode() + content + b"\r\n"


def read(body: bytes, kind: str = KIND, most: int = 3):
    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    request = Request({"type": "http", "headers": [(b"content-type", kind.encode("latin-1"))]}, receive)
    return asyncio.run(read_form(request, max_images=most))


@settings(max_examples=200)
@given(FORMS)
def test_starlette_reads_the_same(parts):
    body = b"".join(part(*each) for each in parts) + b"--x--\r\n"

    async def stream():
        yield body

    async def ask():
        form = await MultiPartParser(Headers({"content-type": KIND}), stream()).parse()
        found = [
            (name, value.filename, await value.read()) if isinstance(value, UploadFile) else (name, None, value)
            for name, value in form.multi_items()
        ]
        await form.close()
        return found

    found = [(name, file, raw if file is not None else _decoded(raw)) for name, file, raw in _parts(body, b"x")]
    assert found == asyncio.run(ask())


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def test_files_and_fields():
    body = part("model", None, b"mlp2") + part("images", "a.png", b"\r\nA") + part("images", "", b"") + b"--x--"
    upload = read(b"\r\n" + body + b"\r\nbehind it")
    assert upload.fields == {"model": ["mlp2"]}
    assert upload.pictures == [("a.png", b"\r\nA")]  # a browser sends an empty file where none was chosen


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (part("a", "a", b"1") * 53 + b"--x--", 200),
        (part("a", "a", b"1") * 54 + b"--x--", 413),
        (part("a", "a", b"1"), 400),  # it does not end
        (part("a", "a", b"1") + b"--x", 400),
        (b"--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x--", 400),  # a part without a name
        (b"--x\r\n\r\n1\r\n--x--", 400),
        (b'--x\r\nContent-Disposition: form-data; name="a"\r\n--x--', 400),  # a head without an end
        (
            b"--x" + part("a", "a", b"1")[3:].replace(b"\r\n\r\n", b"\r\nX: " + b"y" * 9_000 + b"\r\n\r\n") + b"--x--",
            400,
        ),
        (b"--y\r\n", 400),
    ],
)
def test_what_is_no_form_is_refused(body, status):
    if status == 200:
        assert len(read(body).pictures) == 53
        return
    with pytest.raises(UploadError) as caught:
        read(body)
    assert caught.value.status == status


@pytest.mark.parametrize("boundary", ["", "; boundary=", f"; boundary={'x' * 257}"])
def test_a_boundary_is_needed(boundary):
    with pytest.raises(UploadError, match="boundary"):
        read(b"", f"multipart/form-data{boundary}")
