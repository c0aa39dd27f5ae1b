"""Sockets against the real server: who says nothing, or too slowly, or comes in hundreds, keeps nobody out."""

import asyncio
import contextlib
import errno
import io
import resource
import socket
import threading
from unittest import mock
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest
from PIL import Image

from cifarlab.web.predictions import classification
from cifarlab.web.server import connections
from cifarlab.web.server.connections import BoundedProtocol, say_once
from cifarlab.web.settings import Limits, Settings


@pytest.fixture
def place(tmp_path, fakes, monkeypatch):
    """The address of a server with room for twenty connections, which waits a moment for a request's head."""
    monkeypatch.setattr(connections, "_most_connections", lambda: 20)
    monkeypatch.setattr(BoundedProtocol, "head_seconds", 0.5)
    settings = Settings(runs_dir=tmp_path, data="digits", limits=Limits(request_seconds=2.0))
    with fakes.serving(settings, fakes.FakeModelStore()) as address:
        parts = urlsplit(address)
        yield parts.hostname, parts.port


def said(place, data, seconds=20.0):
    """All that the server answers to some bytes until it closes; the client sends nothing more."""
    with socket.create_connection(place, timeout=seconds) as client:
        client.sendall(data)
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := client.recv(65536):
                answer += piece
        return answer


def healthy(place):
    return httpx.get(f"http://{place[0]}:{place[1]}/healthz", timeout=20).status_code == 200


@pytest.mark.parametrize("data", [b"", b"GET", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n", b"\0" * 10])
def test_half_a_head_is_not_waited_for(place, data):
    assert b" 200 " not in said(place, data)  # and it ends, well before the client's own patience


def test_half_a_second_head_is_not_waited_for_either(place):
    whole = f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{place[1]}\r\n\r\n".encode()
    answer = said(place, whole + b"GET /heal")
    assert answer.count(b"HTTP/1.1 200") == 1


def test_a_slow_body_is_not_waited_for(place):
    head = "POST /trainings HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    assert b" 408 " in said(place, f"{head}Content-Length: 100\r\n\r\nname=".encode())
    form = "POST /v1/predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary=b\r\n"
    assert b" 503 " in said(place, f"{form}Connection: close\r\nContent-Length: 100\r\n\r\n--b\r\n".encode())


def test_hundreds_of_idle_connections_keep_nobody_out(place):
    with contextlib.ExitStack() as stack:
        for _ in range(150):
            stack.enter_context(socket.create_connection(place, timeout=20))
        assert healthy(place)


def test_what_is_being_answered_is_not_given_up_for_who_comes(tmp_path, monkeypatch, fakes, encode):
    monkeypatch.setattr(connections, "_most_connections", lambda: 20)
    gate, answers = fakes.Gate(), []
    files = {"images": encode(np.zeros((8, 8, 3), np.uint8))}
    with fakes.serving(Settings(runs_dir=tmp_path, data="digits"), fakes.FakeModelStore(gate)) as address:
        assert httpx.post(f"{address}/v1/predict", files=files, timeout=30).status_code == 200
        gate.armed = True
        client = threading.Thread(
            target=lambda: answers.append(httpx.post(f"{address}/v1/predict", files=files, timeout=60).status_code)
        )
        client.start()
        assert gate.reached.wait(30)
        parts = urlsplit(address)
        with contextlib.ExitStack() as stack:
            for _ in range(60):
                stack.enter_context(socket.create_connection((parts.hostname, parts.port), timeout=20))
            assert healthy((parts.hostname, parts.port))
            gate.opened.set()
            client.join(30)
    assert answers == [200]


def test_a_head_is_not_endless(place):
    line = f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX: {'x' * 40_000}\r\n\r\n"
    assert b" 200 " not in said(place, line.encode())
    assert healthy(place)


def test_malformed_requests_are_not_logged_one_by_one(place, capfd):
    for _ in range(20):
        said(place, b"nonsense\r\n\r\n")
    said(place, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n")
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("GET http://127.0.0.1:{port}/healthz HTTP/1.1\r\nHost: 127.0.0.1:{port}", 200),
        ("GET http://127.0.0.1:{port}/healthz?a=b HTTP/1.1\r\nHost: elsewhere.example", 200),  # the header is not asked
        ("GET http://elsewhere.example/healthz HTTP/1.1\r\nHost: 127.0.0.1:{port}", 421),
        ("GET http://127.0.0.1:{port} HTTP/1.1\r\nHost: 127.0.0.1:{port}", 307),
        ("GET http://[::1 HTTP/1.1\r\nHost: 127.0.0.1:{port}", 421),
        ("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked", 400),
        ("POST /v1/predict HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0", 400),
        ("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 5\r\nContent-Length: 6", 400),
        ("GET /runs?q={long} HTTP/1.1\r\nHost: 127.0.0.1:{port}", 414),
        ("GET /runs?q={some} HTTP/1.1\r\nHost: 127.0.0.1:{port}", 400),
        ("GET /runs?model={some} HTTP/1.1\r\nHost: 127.0.0.1:{port}", 200),
    ],
)
def test_requests_in_odd_forms(place, line, status):
    line = line.format(port=place[1], long="x" * 9_000, some="y" * 1_000)
    answer = said(place, f"{line}\r\n\r\n".encode())
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert len(answer) < 150_000


def test_the_work_ends_with_its_client(tmp_path, fakes, monkeypatch):
    """A picture that nobody waits for is not decoded for the next shape."""
    began, left, asked = threading.Event(), threading.Event(), []

    def decode(data, shape, **_):
        asked.append(shape)
        began.set()
        assert left.wait(30)
        return np.zeros(shape, np.uint8)

    monkeypatch.setattr(classification, "decode_picture", decode)
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (200, 200, 3), np.uint8)).save(file, "png")
    with fakes.serving(Settings(runs_dir=tmp_path, data="digits"), fakes.FakeModelStore()) as address:
        parts = urlsplit(address)
        request = httpx.Request("POST", f"{address}/classify", files={"images": file.getvalue()})
        body = request.read()
        head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
        with socket.create_connection((parts.hostname, parts.port), timeout=30) as client:
            client.sendall(f"POST /classify HTTP/1.1\r\n{head}\r\n".encode() + body)
            assert began.wait(30)
        for _ in range(20):  # the event loop has seen that the client has gone once it has answered others since
            assert healthy((parts.hostname, parts.port))
        left.set()
    assert len(asked) == 1


def test_that_no_file_is_left_is_said_once_and_without_a_traceback(caplog):
    loop = asyncio.new_event_loop()
    with contextlib.closing(loop):
        vars(say_once).pop("last", None)
        for _ in range(100):
            say_once(
                loop, {"message": "socket.accept() out of system resource", "exception": OSError(errno.EMFILE, "no")}
            )
        assert [record.exc_info for record in caplog.records] == [None]
        say_once(loop, {"message": "another", "exception": ValueError("a bug")})
    assert len(caplog.records) == 2


def test_there_are_fewer_connections_than_files(monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 256))
    monkeypatch.setattr(resource, "setrlimit", lambda *_: None)
    assert connections._most_connections() == 160
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 8192))
    assert connections._most_connections() == 2_048
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert connections._most_connections() == 2_048


def test_an_answer_leaves_in_one_piece():
    sent = []
    loop, transport = asyncio.new_event_loop(), mock.Mock(write=sent.append)
    gathering = connections._Gathering(transport, loop)
    with contextlib.closing(loop):
        for piece in (b"head", b"body", b""):
            gathering.write(piece)
        assert sent == []
        loop.run_until_complete(asyncio.sleep(0))
        assert sent == [b"headbody"]
        gathering.write(b"last")
        gathering.close()  # what was written before it still leaves
        loop.run_until_complete(asyncio.sleep(0))
    assert sent == [b"headbody", b"last"]
    transport.close.assert_called_once()
