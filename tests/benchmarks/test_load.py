"""The clients of `serve_load.py` against a server that is written down byte by byte."""

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest


@contextlib.contextmanager
def scripted(answers: list[bytes]) -> Iterator[tuple[int, list[bytes]]]:
    """A server that gives these answers, one a request, to one connection after the other; an empty one hangs up."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(10)
    received: list[bytes] = []

    def serve() -> None:
        waiting = list(answers)
        while waiting:
            connection, _ = listener.accept()
            with connection:
                while waiting and (request := connection.recv(65536)):
                    received.append(request)
                    answer = waiting.pop(0)
                    connection.sendall(answer)
                    if not answer or b"connection: close" in answer.lower():
                        break
        listener.close()  # who still asks is told so at once

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listener.getsockname()[1], received
    thread.join(10)


def response(status: int, body: bytes = b"{}", *headers: bytes) -> bytes:
    lines = [f"HTTP/1.1 {status} Any".encode(), b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def test_every_answer_is_counted():
    from _load import LOST, apply_load, get

    script = [
        response(200, b"first"),
        response(503, b"{}", b"Retry-After: 1"),
        response(503),
        response(200, b"second", b"Connection: close"),
        b"",
        response(413),
    ]
    with scripted(script) as (port, received):
        tally = apply_load(port, get("/x"), clients=1, seconds=0.5, rate=12.0)
    assert {status: tally.statuses[status] for status in (200, 503, 413)} == {200: 2, 503: 2, 413: 1}
    assert tally.statuses[LOST] >= 1
    assert tally.without_retry_after == 1
    assert tally.first == b"first"
    assert len(tally.seconds) == 2
    assert received[0] == b"GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n"


def test_a_form_is_one_that_servers_read(tmp_path):
    from _load import multipart
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse
    from starlette.routing import Route
    from starlette.testclient import TestClient

    async def echo(request: Request) -> JSONResponse:
        async with request.form() as form:
            files = [(await file.read()).decode() for file in form.getlist("images")]
            return JSONResponse([files, form["model"]])

    head, _, body = multipart("/echo", [b"one", b"two"], {"model": "mlp2"}).partition(b"\r\n\r\n")
    headers = dict(line.split(": ") for line in head.decode().split("\r\n")[1:])
    assert int(headers["Content-Length"]) == len(body)
    with TestClient(Starlette(routes=[Route("/echo", echo, methods=["POST"])])) as client:
        answer = client.post("/echo", content=body, headers={"Content-Type": headers["Content-Type"]})
    assert answer.json() == [["one", "two"], "mlp2"]


def test_percentiles_are_in_milliseconds():
    from _load import percentile

    assert percentile([0.001, 0.002, 0.003], 0.5) == pytest.approx(2.0)
    assert percentile([], 0.5) != percentile([], 0.5)


def test_growth_compares_the_end_with_what_came_after_the_start():
    from _servers import growth

    assert growth([1, 1, 5, 5, 5, 5, 5, 5, 5, 5]) == 1.0
    assert growth([1, 1, 2, 2, 2, 2, 2, 2, 3, 3]) == 1.5
    assert growth([7]) == 1.0
