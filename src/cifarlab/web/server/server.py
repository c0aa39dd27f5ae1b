"""The server: says where it is, answers, and stops when it is told to."""

import asyncio
import os
import secrets
import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import replace

import uvicorn
from fastapi import FastAPI
from uvicorn.config import Config

from cifarlab.utils.memory import give_back_large_pieces
from cifarlab.web.server.application import create_app
from cifarlab.web.server.connections import bounded_protocol, end_unfinished, say_once
from cifarlab.web.server.hosts import is_address, is_every_address, is_loopback, own_address
from cifarlab.web.server.requests import LONGEST_HEAD
from cifarlab.web.settings import Settings

_SWITCH_SECONDS = 0.001  # Python's own is 0.005
_STOP_SECONDS = 2
"""How long all may take to end beyond the time that a request may take; then the process goes, whatever still works."""


def serve(settings: Settings, listener: socket.socket, announce: Callable[[str], None]) -> None:
    """Serve until interrupted.

    On another address than this machine's own, a token is demanded: one is generated where `settings` has none.

    Args:
        settings: How to serve; the port is the listener's.
        listener: Bound to the address, by `listening.bind`; the caller closes it.
        announce: Called once with the address to open, when requests are accepted.
    """
    # Threads that come back from a network's arithmetic wait for their turn in Python: shorter than 5 ms.
    sys.setswitchinterval(_SWITCH_SECONDS)
    give_back_large_pieces()
    try:
        settings = replace(settings, port=listener.getsockname()[1])
        if settings.token is None and not is_loopback(settings.host):
            settings = replace(settings, token=secrets.token_urlsafe(24))
        app = create_app(settings)
        app.state.inference.start_loading()
        server = _Server(configure(app, settings), lambda: announce(address_of(settings)))
        server.end_within = settings.limits.request_seconds + _STOP_SECONDS
        server.run(sockets=[listener])
    except KeyboardInterrupt:  # uvicorn has stopped as it should, and repeats the signal for whoever started it
        pass


def configure(app: FastAPI, settings: Settings) -> Config:
    """How the server that stands before the app deals with connections."""
    return Config(
        app,
        log_level="error",  # a warning for each malformed request would let strangers fill the disk
        access_log=False,
        server_header=False,
        lifespan="on",
        http=bounded_protocol(settings.limits.request_seconds),
        ws="none",
        h11_max_incomplete_event_size=LONGEST_HEAD,
        timeout_graceful_shutdown=round(settings.limits.request_seconds),
    )


def address_of(settings: Settings) -> str:
    """What to open in a browser, with the token where there is one; where others may come, an address for them too."""
    host = own_address(settings.host) if is_every_address(settings.host) else settings.host
    shown = f"[{host}]" if is_address(host) and ":" in host else host
    query = f"?token={settings.token}" if settings.token is not None else ""
    return f"http://{shown}:{settings.port}/{query}"


class _Server(uvicorn.Server):
    """Says when it has started, and ends in time."""

    end_within: float | None = None
    """Seconds from the signal to the end of the process; None waits for whatever still works."""

    def __init__(self, config: Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._say_started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        asyncio.get_running_loop().set_exception_handler(say_once)
        if self.started:
            self._say_started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self.end_within is not None:
            # Threads that decode or load cannot be interrupted, and Python waits for them at its end.
            watch = threading.Timer(self.end_within, os._exit, (0,))
            watch.daemon = True
            watch.start()
        # What has come in whole is answered; what is still coming in would be waited for as long as it likes.
        asyncio.get_running_loop().call_later(_STOP_SECONDS, end_unfinished, list(self.server_state.connections))
        await super().shutdown(sockets)
