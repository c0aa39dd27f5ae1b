"""Connections: how many there may be, how long each may take to say what it wants, and which goes when all are taken.

uvicorn bounds what follows an answer (its keep-alive time) and nothing before it: whoever connects and says nothing
stays for ever, and when the process has no file left to open, nobody is let in.
"""

import asyncio
import errno
import logging
import re
import time
from collections.abc import Iterable
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from cifarlab.web.server.requests import LONGEST_HEAD

HEAD_SECONDS = 10.0
"""In which a request's head must have come, from the connection's beginning or the head's own first byte."""
MOST_CONNECTIONS = 2_048
_SPARE_FILES = 96
"""What the server itself opens: its models, runs, logs and libraries."""
_HEAD_END = re.compile(rb"\n\r?\n")
_TOO_LONG = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Type: text/plain\r\nContent-Length: 25\r\n"
    b"Connection: close\r\n\r\nthe headers are too long\n"
)
_LOG = logging.getLogger("uvicorn.error")


class BoundedProtocol(H11Protocol):
    """One connection. Whoever is too slow is closed; where all places are taken, the one that waits longest goes."""

    head_seconds = HEAD_SECONDS
    most = MOST_CONNECTIONS
    answer_seconds = 60.0
    """How long a request with its answer may take until its place may go to another."""

    _since = 0.0  # when this connection last began to wait, or its request came
    _timer: asyncio.TimerHandle | None = None
    _head: bytearray  # what has come of a head that is not complete

    def connection_made(self, transport: Any) -> None:
        """Take a place, if need be another's."""
        self._head = bytearray()
        super().connection_made(transport)
        self.transport = _Gathering(transport, self.loop)  # type: ignore[assignment]
        self._since = time.monotonic()
        if len(self.connections) > self.most:
            _make_room(self)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        """Hand on, and watch whether the head is complete."""
        was_busy = self.is_busy
        if self._is_too_long(data):
            self._refuse_head()
            return
        super().data_received(data)
        if self.is_busy:
            self._head.clear()
            self._forget_timer()
            self._since = self._since if was_busy else time.monotonic()
        elif self._timer is None and not self.transport.is_closing():
            self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Free the place."""
        self._forget_timer()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """From now on the connection waits again."""
        super().on_response_complete()
        self._since = time.monotonic()

    @property
    def is_busy(self) -> bool:
        """Whether a request is being answered."""
        return self.cycle is not None and not self.cycle.response_complete

    def may_go(self, now: float) -> bool:
        """Whether its place may be given to another."""
        return not self.is_busy or now - self._since > self.answer_seconds

    def _is_too_long(self, data: bytes) -> bool:
        """Whether a head has not ended where it must: looked at here, since parsing a long one takes half a second."""
        if self.is_busy and self.cycle.more_body:
            return False  # it is of a body, whose length is bounded elsewhere
        self._head += data[: LONGEST_HEAD + 1 - len(self._head)]
        return len(self._head) > LONGEST_HEAD and _HEAD_END.search(self._head) is None

    def _refuse_head(self) -> None:
        if not self.is_busy:
            self.transport.write(_TOO_LONG)
        self.transport.close()

    def _await_head(self) -> None:
        self._timer = self.loop.call_later(self.head_seconds, self._give_up)

    def _give_up(self) -> None:
        self._timer = None
        if not self.is_busy and not self.transport.is_closing():
            self.transport.abort()  # at once: closing would wait for a reader who may never read

    def _forget_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class _Gathering:
    """A transport that sends what one turn of the event loop writes as one piece.

    uvicorn writes an answer's head and its content one after the other. Together they are one call of the system, and
    wake the client once: a tenth of the processor time of a small prediction.
    """

    def __init__(self, transport: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._pieces: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if not self._pieces:
            self._loop.call_soon(self._send)
        self._pieces.append(data)

    def close(self) -> None:
        self._send()
        self._transport.close()

    def _send(self) -> None:
        pieces, self._pieces = self._pieces, []
        if pieces:
            self._transport.write(b"".join(pieces))


def _make_room(newcomer: BoundedProtocol) -> None:
    """Close the connection that has waited longest without a request; if all are busy, the newcomer."""
    now = time.monotonic()
    others = [each for each in newcomer.connections if isinstance(each, BoundedProtocol) and each is not newcomer]
    idle = [each for each in others if each.may_go(now)]
    gone = min(idle, key=lambda each: (each.is_busy, each._since), default=newcomer)
    gone.connections.discard(gone)  # now, not when the loop comes to it: many may arrive in one turn
    gone.transport.abort()


def bounded_protocol(request_seconds: float) -> type[BoundedProtocol]:
    """The protocol for this process: as many connections as it may open files for.

    Args:
        request_seconds: How long a prediction may take.
    """

    class Protocol(BoundedProtocol):
        most = _most_connections()
        answer_seconds = request_seconds + HEAD_SECONDS

    return Protocol


def end_unfinished(connections: Iterable[Any]) -> None:
    """Close the connections whose requests have still not come in whole."""
    for each in connections:
        if isinstance(each, BoundedProtocol) and (not each.is_busy or each.cycle.more_body):
            each.transport.abort()


def say_once(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """The event loop's exception handler: that no file is left is one line a minute, without a traceback."""
    error = context.get("exception")
    if not (isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)):
        loop.default_exception_handler(context)
        return
    now = time.monotonic()
    if now - getattr(say_once, "last", -60.0) >= 60.0:
        say_once.last = now  # type: ignore[attr-defined]
        _LOG.error("cifarlab: no more connections can be taken: %s", error.strerror)


def _most_connections() -> int:
    try:
        import resource
    except ImportError:  # Windows, which has no such limit
        return MOST_CONNECTIONS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS + _SPARE_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:  # a process may raise its own up to the hard one
        raised = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, raised), hard))
        except (OSError, ValueError):  # a system that has a say of its own
            raised = soft
        soft = max(soft, raised)
    files = wanted if soft == resource.RLIM_INFINITY else soft
    return max(8, min(MOST_CONNECTIONS, files - _SPARE_FILES))
