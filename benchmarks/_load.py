"""Load on an HTTP server from this machine: a bounded number of clients, one connection each, every answer counted."""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

LOST = 0
"""Counted among the statuses: requests that got no answer."""

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Tally:
    """What came back.

    Attributes:
        statuses: How often each status was answered, and `LOST`.
        seconds: How long each answer with status 200 took.
        first: Body of the first answer with status 200.
        without_retry_after: Answers with status 503 that did not say when to come again.
        elapsed: Seconds until the last answer, which comes after the time that requests are sent in.
    """

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    first: bytes = b""
    without_retry_after: int = 0
    elapsed: float = 0.0


@dataclass(frozen=True)
class Answer:
    """A response, as far as a benchmark looks at it.

    Attributes:
        status: Such as 200.
        headers: In lower case.
        body: Whole.
    """

    status: int
    headers: bytes
    body: bytes

    @property
    def closes(self) -> bool:
        """Whether the server ends the connection."""
        return b"\r\nconnection: close" in self.headers


def apply_load(port: int, request: bytes, clients: int, seconds: float, rate: float | None = None) -> Tally:
    """Send one request again and again from several clients, each of which waits for its answer before the next.

    Args:
        port: On 127.0.0.1.
        request: As from `multipart`.
        clients: How many at once.
        seconds: For how long; what is under way at the end is waited for.
        rate: Requests a second of all clients together; as fast as they are answered by default.
    """
    return asyncio.run(_apply_load(port, request, clients, seconds, rate))


def ask(port: int, request: bytes) -> Answer:
    """Send one request.

    Raises:
        OSError: If there is no server.
        EOFError: If it ends the connection without an answer.
    """

    async def once() -> Answer:
        connection = await asyncio.open_connection("127.0.0.1", port)
        try:
            return await _exchange(connection, request)
        finally:
            _close(connection)

    return asyncio.run(once())


def multipart(path: str, pictures: Sequence[bytes], fields: Mapping[str, str] | None = None) -> bytes:
    """A whole POST request with PNG files under the name `images`.

    Args:
        path: Such as `"/v1/predict"`.
        pictures: PNG files.
        fields: Other fields of the form.
    """
    text = [f'name="{name}"\r\n\r\n{value}'.encode() for name, value in (fields or {}).items()]
    files = [b'name="images"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n' + picture for picture in pictures]
    parts = (b"--x\r\nContent-Disposition: form-data; " + part + b"\r\n" for part in [*text, *files])
    body = b"".join(parts) + b"--x--\r\n"
    kind = "Content-Type: multipart/form-data; boundary=x"
    return f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def get(path: str) -> bytes:
    """A whole GET request."""
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


def percentile(seconds: Sequence[float], share: float) -> float:
    """Milliseconds within which that share of the answers came; NaN where there are none."""
    return float(1e3 * np.percentile(seconds, 100 * share)) if seconds else float("nan")


async def _apply_load(port: int, request: bytes, clients: int, seconds: float, rate: float | None) -> Tally:
    tally = Tally()
    began = time.perf_counter()
    pause = clients / rate if rate else 0.0
    turns = (began + number * pause / clients for number in range(clients))
    await asyncio.gather(*(_client(port, request, turn, pause, began + seconds, tally) for turn in turns))
    tally.elapsed = time.perf_counter() - began
    return tally


async def _client(port: int, request: bytes, turn: float, pause: float, end: float, tally: Tally) -> None:
    connection: Connection | None = None
    while True:
        await asyncio.sleep(max(0.0, turn - time.perf_counter()))
        began = time.perf_counter()
        if began >= end:
            break
        try:
            connection = connection or await asyncio.open_connection("127.0.0.1", port)
            answer = await asyncio.wait_for(_exchange(connection, request), 60)
        except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError):
            tally.statuses[LOST] += 1
            _close(connection)
            connection = None
        else:
            _count(tally, answer, time.perf_counter() - began)
            if answer.closes:
                _close(connection)
                connection = None
        turn = max(turn + pause, began)  # who is late does not hurry
    _close(connection)


def _count(tally: Tally, answer: Answer, seconds: float) -> None:
    tally.statuses[answer.status] += 1
    if answer.status == 200:
        tally.seconds.append(seconds)
        tally.first = tally.first or answer.body
    elif answer.status == 503 and b"\r\nretry-after:" not in answer.headers:
        tally.without_retry_after += 1


async def _exchange(connection: Connection, request: bytes) -> Answer:
    reader, writer = connection
    writer.write(request)
    await writer.drain()
    headers = (await reader.readuntil(b"\r\n\r\n")).lower()
    start = headers.index(b"\r\ncontent-length:") + len(b"\r\ncontent-length:")
    length = int(headers[start : headers.index(b"\r\n", start)])
    return Answer(int(headers[9:12]), headers, await reader.readexactly(length))


def _close(connection: Connection | None) -> None:
    if connection is not None:
        connection[1].close()
