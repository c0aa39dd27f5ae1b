"""The server: binds the address before anything is loaded, says where it is, and stops when it is told to."""

import secrets
import socket
import sys
from collections.abc import Callable
from dataclasses import replace

import uvicorn
from uvicorn.config import Config

from cifarlab.errors import CifarlabError
from cifarlab.web.application import create_app
from cifarlab.web.hosts import is_address, is_every_address, is_loopback
from cifarlab.web.settings import Settings

_BACKLOG = 2048
_SWITCH_SECONDS = 0.001
_STOP_SECONDS = 10
"""How long open connections may take to end beyond the time that a request may take."""


def serve(settings: Settings, announce: Callable[[str], None]) -> None:
    """Serve until interrupted.

    On another address than this machine's own, a token is demanded: one is generated where `settings` has none.

    Args:
        settings: How to serve; port 0 takes any that is free.
        announce: Called once with the address to open, when requests are accepted.

    Raises:
        CifarlabError: If the address cannot be had.
    """
    # Threads that come back from a network's arithmetic wait for their turn in Python: shorter than 5 ms.
    sys.setswitchinterval(_SWITCH_SECONDS)
    listener = bind(settings.host, settings.port)
    try:
        settings = replace(settings, port=listener.getsockname()[1])
        if settings.token is None and not is_loopback(settings.host):
            settings = replace(settings, token=secrets.token_urlsafe(24))
        app = create_app(settings)
        app.state.inference.start_loading()
        config = Config(
            app,
            log_level="warning",
            access_log=False,
            server_header=False,
            lifespan="on",
            timeout_graceful_shutdown=round(settings.limits.request_seconds) + _STOP_SECONDS,
        )
        _Server(config, lambda: announce(address_of(settings))).run(sockets=[listener])
    except KeyboardInterrupt:  # uvicorn has stopped as it should, and repeats the signal for whoever started it
        pass
    finally:
        listener.close()


def bind(host: str, port: int) -> socket.socket:
    """A socket at an address, so that a wrong one is said at once.

    Args:
        host: Name or address of this machine.
        port: 0 takes any that is free.

    Raises:
        CifarlabError: If the port is taken or not allowed, or the host is unknown or not this machine's.
    """
    try:
        family, kind, protocol, _, target = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (socket.gaierror, UnicodeError) as error:
        raise CifarlabError(f"unknown host {host!r}: give --host an address of this machine, or 0.0.0.0") from error
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(target)
        listener.listen(_BACKLOG)  # two that share an address are told apart only now
    except OSError as error:
        listener.close()
        reason = (error.strerror or str(error)).lower()
        raise CifarlabError(
            f"cannot serve at {host}, port {port}: {reason}; choose another --port or --host"
        ) from error
    return listener


def address_of(settings: Settings) -> str:
    """What to open in a browser on this machine, with the token where there is one."""
    host = "localhost" if is_every_address(settings.host) else settings.host
    shown = f"[{host}]" if is_address(host) and ":" in host else host
    query = f"?token={settings.token}" if settings.token is not None else ""
    return f"http://{shown}:{settings.port}/{query}"


class _Server(uvicorn.Server):
    """Says when it has started."""

    def __init__(self, config: Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._say_started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._say_started()
